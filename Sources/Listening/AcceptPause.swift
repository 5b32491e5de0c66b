import Glibc
public import Logging
public import NIOCore

/// Has a listener accept nothing for a moment where the process may open no more files.
///
/// Without it NIO tries again at once, and again, as long as a client waits: the listener stays readable.
public final class AcceptPause: ChannelInboundHandler {
    public typealias InboundIn = any Channel
    public typealias InboundOut = any Channel

    private static let pause = TimeAmount.milliseconds(200)

    private let logger: Logger
    private var shortage = FileShortage()

    public init(_ logger: Logger) { self.logger = logger }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if shortage.accepted(at: Self.now) { logger.notice("new connections are accepted again") }
        context.fireChannelRead(data)
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else {
            return context.fireErrorCaught(error)
        }
        if shortage.refused(at: Self.now) {
            logger.warning(
                """
                no new connection can be accepted: \(unsafe String(cString: strerror(code))) (the process may have \
                \(OpenFiles.limit) files open); those that are open are served, and new ones as soon as there is room; raise \
                the limit (ulimit -n), or allow fewer connections
                """)
        }
        setAccepting(false, context)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.setAccepting(true, context) }
    }

    private func setAccepting(_ isAccepting: Bool, _ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: isAccepting)
    }

    private static var now: Int64 { Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds) }
}

/// Whether files are short, as a value: logged once each time, however often a connection is refused meanwhile.
struct FileShortage: Equatable, Sendable {
    /// How long nothing was refused when it is over: one that closes makes room for one.
    static let quietNanoseconds: Int64 = 5_000_000_000

    private var refusedAt: Int64?

    /// - Returns: whether it is news.
    mutating func refused(at now: Int64) -> Bool {
        defer { refusedAt = now }
        return refusedAt == nil
    }

    /// - Returns: whether the shortage is over with it.
    mutating func accepted(at now: Int64) -> Bool {
        guard let refusedAt, now &- refusedAt >= Self.quietNanoseconds else { return false }
        self.refusedAt = nil
        return true
    }
}
