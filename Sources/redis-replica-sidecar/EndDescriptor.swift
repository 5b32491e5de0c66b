import CLinux
import Glibc
import NIOCore
import NIOPosix

/// SIGTERM and SIGINT, as bytes on a descriptor: taken on the event loop, without a thread or a handler of their own.
struct EndDescriptor {
    private let descriptor: CInt

    /// Blocks the signals; they stay pending for the reader, also in process 1 of a container.
    init() {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        unsafe sigaddset(&mask, SIGTERM)
        unsafe sigaddset(&mask, SIGINT)
        _ = unsafe sigprocmask(SIG_BLOCK, &mask, nil)
        // A client that is gone shows when it is written to.
        signal(SIGPIPE, SIG_IGN)
        descriptor = unsafe linux_signal_descriptor(&mask)
    }

    /// Calls `completion` on the event loop at the first of them.
    func whenTold(on eventLoop: any EventLoop, _ completion: @escaping () -> Void) {
        let bound = NIOLoopBound(completion, eventLoop: eventLoop)
        _ = NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FirstBytes(bound.value))
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
    }
}

private final class FirstBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var completion: (() -> Void)?

    init(_ completion: @escaping () -> Void) { self.completion = completion }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        completion?()
        completion = nil
    }
}
