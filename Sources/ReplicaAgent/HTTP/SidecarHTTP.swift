import HTTPWire
import Listening
import Logging
public import NIOCore
import NIOHTTP1
import NIOPosix

/// The sidecar's HTTP: four questions and a confirmation.
///
/// By NIO's own HTTP server, since nothing here is asked often.
public struct SidecarHTTP {
    public struct Limits: Equatable, Sendable {
        /// More clients than a kubelet, a scraper and a person need. One more replaces the client that has been idle
        /// for longest, so that connections that a client leaves open keep no probe out.
        public var connections = 64
        /// How long a connection may bring nothing.
        public var idleTime: TimeAmount = .seconds(60)

        public init() {}
    }

    public let address: SocketAddress
    private let listener: any Channel

    /// Listens. Must be called on the event loop.
    ///
    /// - Parameters:
    ///   - host: `nil`: all interfaces, IPv6 and IPv4, or IPv4 alone where there is no IPv6.
    public static func listen(
        host: String?, port: Int, limits: Limits = Limits(), for sidecar: StartingSidecar,
        completion: @escaping (Result<SidecarHTTP, any Error>) -> Void
    ) {
        let configuration = sidecar.configuration
        let more = configuration.token == nil ? configuration.moreHosts : nil
        listen(host: host, port: port, limits: limits, moreHosts: more, for: sidecar, completion: completion)
    }

    /// - Parameter moreHosts: further names by which it may be called where it listens on loopback; `nil` for every name.
    package static func listen(
        host: String?, port: Int, limits: Limits = Limits(), moreHosts: [String]?, for answering: any HTTPAnswering,
        completion: @escaping (Result<SidecarHTTP, any Error>) -> Void
    ) {
        let bootstrap = bootstrap(for: answering, over: .network(loopbackHosts(host, port, more: moreHosts)), limits)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Connections have it from the listener. What waits there is read when a connection ends.
            .serverChannelOption(.socketOption(.so_rcvbuf), value: 16 << 10)
        func bind(_ hosts: ArraySlice<String>) {
            guard let host = hosts.first else { return }
            bootstrap.bind(host: host, port: port).assumeIsolated().whenComplete { result in
                switch result {
                case .success(let listener):
                    guard let address = listener.localAddress else { return }
                    completion(.success(SidecarHTTP(address: address, listener: listener)))
                case .failure(let error):
                    if hosts.count > 1, isMissingFamily(error) { return bind(hosts.dropFirst()) }
                    completion(.failure(error))
                }
            }
        }
        bind(host.map { [$0] } ?? ["::", "0.0.0.0"])
    }

    /// Listens for confirmations on a Unix socket, too. Must be called on the event loop.
    ///
    /// - Throws: ``ConfirmationSocket/Failure`` where the socket cannot be made; everything else works without it.
    public static func listen(onSocket path: String, for sidecar: StartingSidecar) throws(ConfirmationSocket.Failure) {
        try listen(onSocket: path, settingName: "SIDECAR_SOCKET", answering: sidecar)
    }

    /// - Parameter settingName: which setting names the path, for errors.
    package static func listen(
        onSocket path: String, settingName: String, answering: any HTTPAnswering
    ) throws(ConfirmationSocket.Failure) {
        let descriptor = try ConfirmationSocket.bind(path, settingName: settingName)
        let logger = answering.logger
        bootstrap(for: answering, over: .socket, Limits()).withBoundSocket(descriptor).assumeIsolated()
            .whenFailure { logger.warning("cannot listen on the socket '\(path)': \($0)") }
    }

    private static func bootstrap(
        for answering: any HTTPAnswering, over way: SidecarAnswer.Way, _ limits: Limits
    ) -> ServerBootstrap {
        let clients = SidecarClients(limit: limits.connections)
        let logger = answering.logger
        let bound = NIOLoopBound((answering: answering, clients: clients), eventLoop: answering.eventLoop)
        return ServerBootstrap(group: answering.eventLoop)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger))
                }
            }
            // What is read at once is taken apart at once: a page of requests, not a thousand of them.
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096))
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (answering, clients) = bound.value
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true)
                    try channel.pipeline.syncOperations.addHandlers(
                        IdleStateHandler(allTimeout: limits.idleTime),
                        SidecarClient(answering, among: clients, over: way))
                }
            }
    }

    /// The names that the sidecar is reached by, where it listens on loopback and shows addresses to every client.
    private static func loopbackHosts(_ host: String?, _ port: Int, more: [String]?) -> AllowedHosts? {
        guard let more, let host,
            let address = (try? SocketAddress.makeAddressResolvingHost(host, port: port))?.ipAddress
        else { return nil }
        return AllowedHosts(listeningAt: host, address, port: port, more: more)
    }

    private static func isMissingFamily(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return error.errnoCode == EAFNOSUPPORT || error.errnoCode == EADDRNOTAVAIL
    }

    public func close() { listener.close(promise: nil) }
}
