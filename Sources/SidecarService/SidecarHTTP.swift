public import NIOCore
import NIOHTTP1
import NIOPosix

/// The sidecar's HTTP: four questions and a confirmation.
///
/// By NIO's own HTTP server, since nothing here is asked often.
public struct SidecarHTTP {
    /// More clients than a kubelet, a scraper and a person are.
    static let maximumConnections = 64
    static let idleTimeout: TimeAmount = .seconds(60)

    public let address: SocketAddress
    private let listener: any Channel

    /// Listens. Must be called on the event loop.
    ///
    /// - Parameters:
    ///   - host: `nil`: all interfaces, IPv6 and IPv4, or IPv4 alone where there is no IPv6.
    public static func listen(
        host: String?, port: Int, for sidecar: Sidecar, completion: @escaping (Result<SidecarHTTP, any Error>) -> Void
    ) {
        let connections = ConnectionCount()
        let bound = NIOLoopBound((sidecar: sidecar, connections: connections), eventLoop: sidecar.eventLoop)
        let bootstrap = ServerBootstrap(group: sidecar.eventLoop)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (sidecar, connections) = bound.value
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true)
                    try channel.pipeline.syncOperations.addHandlers(
                        IdleStateHandler(allTimeout: idleTimeout),
                        SidecarHTTPHandler(sidecar, connections: connections))
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

    /// How many are open.
    final class ConnectionCount {
        var count = 0
    }
}

/// One client's connection.
private final class SidecarHTTPHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let sidecar: Sidecar
    private let connections: SidecarHTTP.ConnectionCount
    private var head: HTTPRequestHead?

    init(_ sidecar: Sidecar, connections: SidecarHTTP.ConnectionCount) {
        self.sidecar = sidecar
        self.connections = connections
    }

    func channelActive(context: ChannelHandlerContext) {
        connections.count += 1
        if connections.count > SidecarHTTP.maximumConnections { context.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connections.count -= 1
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        // No route has a use for one.
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context: context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ request: HTTPRequestHead, context: ChannelHandlerContext) {
        let isLocal = context.remoteAddress?.isLoopback ?? false
        let path = String(request.uri.prefix { $0 != "?" })
        let answer = SidecarAnswer(request.method, path, of: sidecar, isLocal: isLocal)
        var head = HTTPResponseHead(version: request.version, status: answer.status)
        head.headers.add(name: "Content-Type", value: answer.contentType)
        head.headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
        head.headers.add(name: "Cache-Control", value: "no-store")
        if let allow = answer.allow { head.headers.add(name: "Allow", value: allow) }
        if !request.isKeepAlive { head.headers.add(name: "Connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil) }
        let end = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: end)
        guard !request.isKeepAlive else { return }
        let channel = context.channel
        end.futureResult.whenComplete { _ in channel.close(promise: nil) }
    }
}

extension SocketAddress {
    /// Whether only a process of this host, or of this pod, has it.
    var isLoopback: Bool {
        guard let text = ipAddress else { return false }
        let address = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
        return address == "::1" || address.hasPrefix("127.")
    }
}
