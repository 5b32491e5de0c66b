public import NIOCore
import NIOHTTP1
import NIOPosix

/// The sidecar's HTTP: four questions and a confirmation.
///
/// By NIO's own HTTP server, since nothing here is asked often.
public struct SidecarHTTP {
    public struct Limits: Equatable, Sendable {
        /// More clients than a kubelet, a scraper and a person are. One more takes the place of the one that has asked nothing
        /// for longest, so that connections which somebody leaves open keep no probe out.
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
        host: String?, port: Int, limits: Limits = Limits(), for sidecar: Sidecar,
        completion: @escaping (Result<SidecarHTTP, any Error>) -> Void
    ) {
        let clients = SidecarClients(limit: limits.connections)
        let bound = NIOLoopBound((sidecar: sidecar, clients: clients), eventLoop: sidecar.eventLoop)
        let bootstrap = ServerBootstrap(group: sidecar.eventLoop)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (sidecar, clients) = bound.value
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true)
                    try channel.pipeline.syncOperations.addHandlers(
                        IdleStateHandler(allTimeout: limits.idleTime), SidecarClient(sidecar, among: clients))
                }
            }
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

    private static func isMissingFamily(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return error.errnoCode == EAFNOSUPPORT || error.errnoCode == EADDRNOTAVAIL
    }

    public func close() { listener.close(promise: nil) }
}

extension SocketAddress {
    /// Whether only a process of this host, or of this pod, has it.
    var isLoopback: Bool {
        guard let text = ipAddress else { return false }
        let address = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
        return address == "::1" || address.hasPrefix("127.")
    }
}
