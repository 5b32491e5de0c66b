import Hiredis
package import NIOCore

/// A connection that listens to channels of one server, and hears at once when that ends.
///
/// Not thread-safe, and not `Sendable`: it lives on its event loop, as do its callers. It is over once; the caller opens the
/// next one.
package final class RedisSubscription {
    /// No message of ours is longer, in bytes.
    package static let longestMessage = 4096
    /// How often the server is asked whether it is there, and how long it may say nothing.
    private static let pingInterval = TimeAmount.seconds(1)
    private static let silenceLimit = TimeAmount.seconds(4)

    private let handler: SubscriptionHandler
    private let channel: any Channel

    private init(handler: SubscriptionHandler, channel: any Channel) {
        self.handler = handler
        self.channel = channel
    }

    /// Connects, logs in and subscribes. Must be called on the event loop, where the closures are called, too.
    ///
    /// - Parameters:
    ///   - logIns: AUTH with its words, each; one that is refused changes nothing.
    ///   - message: called with each message: the channel, and what came.
    ///   - refused: called with an error that ends it: a right or a log-in is missing.
    ///   - end: called once, also where it could not be opened.
    package static func open(
        _ server: RedisConversation.Server, tls: RedisTLS?, logIns: [[[UInt8]]], channels: [String], timeout: Duration,
        eventLoop: any EventLoop, message: @escaping (_ channel: String, _ text: [UInt8]) -> Void,
        refused: @escaping (_ error: String) -> Void = { _ in },
        end: @escaping () -> Void, opened: @escaping (RedisSubscription) -> Void
    ) {
        let handler = SubscriptionHandler(
            logIns: logIns, channels: channels, message: message, refused: refused, end: end)
        let connected = server.connect(tls: tls, timeout: timeout, eventLoop: eventLoop, handler)
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): opened(RedisSubscription(handler: handler, channel: channel))
            case .failure: handler.finish()
            }
        }
    }

    /// Whether the server has confirmed every channel.
    package var isSubscribed: Bool { handler.isSubscribed }

    package func close() { channel.close(promise: nil) }

    private final class SubscriptionHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var reader = ReplyReader(maximumReplyBytes: longestMessage)
        private let logIns: [[[UInt8]]]
        private let channels: [String]
        private let message: (String, [UInt8]) -> Void
        private let refused: (String) -> Void
        private var end: (() -> Void)?
        private var confirmed = 0
        private var heardAt = NIODeadline.now()
        private var ping: Scheduled<Void>?

        var isSubscribed: Bool { confirmed == channels.count }

        init(
            logIns: [[[UInt8]]], channels: [String], message: @escaping (String, [UInt8]) -> Void,
            refused: @escaping (String) -> Void, end: @escaping () -> Void
        ) {
            self.logIns = logIns
            self.channels = channels
            self.message = message
            self.refused = refused
            self.end = end
        }

        func channelActive(context: ChannelHandlerContext) {
            heardAt = .now()
            let name = ["CLIENT", "SETNAME", "redis-replica-agent"].map { Array($0.utf8) }
            send(logIns + [name, (["SUBSCRIBE"] + channels).map { Array($0.utf8) }], context)
            schedulePing(context)
            context.fireChannelActive()
        }

        private func schedulePing(_ context: ChannelHandlerContext) {
            let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
            ping = context.eventLoop.scheduleTask(in: pingInterval) {
                let (handler, context) = bound.value
                if NIODeadline.now() - handler.heardAt > silenceLimit {
                    context.close(promise: nil)
                } else {
                    // Before the confirmation a PING would be answered in another form.
                    if handler.isSubscribed { handler.send([[Array("PING".utf8)]], context) }
                    handler.schedulePing(context)
                }
            }
        }

        private func send(_ commands: [[[UInt8]]], _ context: ChannelHandlerContext) {
            var buffer = context.channel.allocator.buffer(capacity: 256)
            for command in commands {
                buffer.writeString("*\(command.count)\r\n")
                for word in command { buffer.writeBulk(word.span) }
            }
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            heardAt = .now()
            var messages: [(String, [UInt8])] = []
            var isOver = false
            var refusal: String?
            let buffer = unwrapInboundIn(data)
            do throws(ReplyReaderError) {
                try reader.read(
                    buffer.readableBytesSpan,
                    expecting: ExpectedReply(to: "SUBSCRIBE", elements: 8, bytes: longestMessage)
                ) { reply in
                    switch reply {
                    case .array(let elements):
                        guard case .bulk(let kind)? = elements.first else { break }
                        switch (kind, elements.dropFirst().first, elements.last) {
                        case (Array("subscribe".utf8), _, _): confirmed += 1
                        case (Array("message".utf8), .bulk(let channel)?, .bulk(let text)?):
                            messages.append((String(decoding: channel, as: UTF8.self), text))
                        default: break
                        }
                    // Of the log-ins one may be refused; without the right to subscribe there is nothing to hear.
                    case .error(let text):
                        let words = String(decoding: text.copied, as: UTF8.self)
                        // The connection's name is of use to people alone.
                        if words.hasPrefix("NOPERM"), words.contains("'client") { break }
                        if words.hasPrefix("NOPERM") || words.hasPrefix("NOAUTH") { refusal = refusal ?? words }
                    case .bulk, .simple, .integer, .null: break
                    }
                    return true
                }
            } catch {
                isOver = true
            }
            for (channel, text) in messages { message(channel, text) }
            if let refusal { refused(refusal) }
            if isOver || refusal != nil { context.close(promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            finish()
            context.fireChannelInactive()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func finish() {
            ping?.cancel()
            let end = end
            self.end = nil
            end?()
        }
    }
}
