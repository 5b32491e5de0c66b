import NIOCore
import NIOHTTP1

/// One client's connection.
final class SidecarClient: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let sidecar: Sidecar
    private let clients: SidecarClients
    private var context: ChannelHandlerContext?
    private var head: HTTPRequestHead?

    init(_ sidecar: Sidecar, among clients: SidecarClients) {
        self.sidecar = sidecar
        self.clients = clients
    }

    func close() { context?.close(promise: nil) }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        clients.add(self)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        clients.remove(self)
        self.context = nil
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
            clients.noteRequest(of: self)
            answer(head, context: context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ request: HTTPRequestHead, context: ChannelHandlerContext) {
        let answer = SidecarAnswer(request, of: sidecar, isLocal: context.remoteAddress?.isLoopback ?? false)
        var head = HTTPResponseHead(version: request.version, status: answer.status)
        head.headers.add(name: "Content-Type", value: answer.contentType)
        head.headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
        head.headers.add(name: "Cache-Control", value: "no-store")
        if let allow = answer.allow { head.headers.add(name: "Allow", value: allow) }
        // One of HTTP/1.0 would have to be told that it stays.
        let stays = request.isKeepAlive && request.version == .http1_1
        if !stays { head.headers.add(name: "Connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil) }
        let end = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: end)
        guard !stays else { return }
        let channel = context.channel
        end.futureResult.whenComplete { _ in channel.close(promise: nil) }
    }
}

/// The connections that are open, the one that has asked nothing for longest first.
///
/// Lives on its event loop.
final class SidecarClients {
    private let limit: Int
    private var clients: [SidecarClient] = []

    /// - Parameter limit: 1 or more.
    init(limit: Int) { self.limit = limit }

    func add(_ client: SidecarClient) {
        clients.append(client)
        if clients.count > limit { clients[0].close() }
    }

    func remove(_ client: SidecarClient) { clients.removeAll { $0 === client } }

    func noteRequest(of client: SidecarClient) {
        remove(client)
        clients.append(client)
    }
}
