import CLinux
import Glibc
package import NIOCore
import NIOPosix

/// Signals as bytes on a descriptor: taken on the event loop, without a thread or a handler of their own.
package struct SignalStream {
    private let descriptor: CInt
    /// Those that say that this process should end.
    package static let ends: Set<Int32> = [SIGTERM, SIGINT]
    /// Those that the server gets as they came.
    package static let passedOn: Set<Int32> = [SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

    /// Blocks the signals, so that threads that are made later do not take them; as process 1 of a container too they
    /// are kept until they are read.
    package init() {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        for number in Self.ends.union(Self.passedOn).union([SIGCHLD]) { unsafe sigaddset(&mask, number) }
        _ = unsafe sigprocmask(SIG_BLOCK, &mask, nil)
        // A client that is gone shows when it is written to.
        signal(SIGPIPE, SIG_IGN)
        descriptor = unsafe linux_signal_descriptor(&mask)
    }

    /// Calls `receive` on the event loop with the number of each. Of one kind, those that come at once may be one.
    package func forward(on eventLoop: any EventLoop, to receive: @escaping (Int32) -> Void) {
        let bound = NIOLoopBound(receive, eventLoop: eventLoop)
        _ = NIOPipeBootstrap(group: eventLoop)
            // The kernel gives whole records alone, and an error where not one has room.
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 * SignalRecords.length))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SignalRecords(bound.value))
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
    }
}

/// Reads `struct signalfd_siginfo`: 128 bytes each, the number first.
private final class SignalRecords: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    static let length = 128
    private let receive: (Int32) -> Void

    init(_ receive: @escaping (Int32) -> Void) { self.receive = receive }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        while var record = bytes.readSlice(length: Self.length) {
            if let number = record.readInteger(endianness: .host, as: UInt32.self) { receive(Int32(number)) }
        }
    }
}
