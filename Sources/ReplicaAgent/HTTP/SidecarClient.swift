import Listening
import NIOCore
import NIOHTTP1

/// One client's connection.
final class SidecarClient: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answering: any HTTPAnswering
    private let clients: SidecarClients
    private var context: ChannelHandlerContext?
    private var head: HTTPRequestHead?
    private let way: SidecarAnswer.Way
    /// The end of an answer whose bytes the client has not taken: whether the connection stays after it.
    ///
    /// NIO's handler for pipelined requests reads nothing, and gives no further request, before the end is written.
    private var owedEnd: (channel: any Channel, stays: Bool)?

    init(_ answering: any HTTPAnswering, among clients: SidecarClients, over way: SidecarAnswer.Way) {
        self.answering = answering
        self.way = way
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
        owedEnd = nil
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
            answer(head)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        finish()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ request: HTTPRequestHead) {
        answering.answer(request, over: way) { self.send($0, to: request) }
    }

    private func send(_ answer: SidecarAnswer, to request: HTTPRequestHead) {
        // The client may be gone by now.
        guard let context else { return }
        var head = HTTPResponseHead(version: request.version, status: answer.status)
        head.headers.add(name: "Content-Type", value: answer.contentType)
        head.headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
        head.headers.add(name: "Cache-Control", value: "no-store")
        if let allow = answer.allow { head.headers.add(name: "Allow", value: allow) }
        if answer.status == .unauthorized { head.headers.add(name: "WWW-Authenticate", value: "Bearer") }
        // HTTP/1.0 would need a field to keep the connection.
        let stays = request.isKeepAlive && request.version == .http1_1
        if !stays { head.headers.add(name: "Connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil) }
        owedEnd = (context.channel, stays)
        context.flush()
        finish()
    }

    /// Ends the answer once the client has taken most of it: a client that does not read is answered no faster.
    private func finish() {
        guard let context, let (channel, stays) = owedEnd, channel.isWritable, channel.isActive else { return }
        owedEnd = nil
        let end = context.eventLoop.makePromise(of: Void.self)
        if !stays { end.futureResult.whenComplete { _ in channel.close(promise: nil) } }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: end)
    }
}

/// The connections that are open, the one that has asked nothing for longest first.
///
/// Lives on its event loop.
final class SidecarClients {
    private let limit: Int
    private var clients: [SidecarClient] = []

    /// How many files the sidecar opens beside its clients' connections, at the most.
    private static let ownFiles = 32

    /// - Parameter limit: 1 or more.
    init(limit: Int) { self.limit = limit }

    func add(_ client: SidecarClient) {
        clients.append(client)
        // A part of the files is for servers and secrets.
        let room = max(4, OpenFiles.limit - Self.ownFiles)
        for surplus in clients.prefix(max(0, clients.count - min(limit, room))) { surplus.close() }
    }

    func remove(_ client: SidecarClient) { clients.removeAll { $0 === client } }

    func noteRequest(of client: SidecarClient) {
        remove(client)
        clients.append(client)
    }
}
