import CLinux
import Glibc

/// The dead-man process: reads beats, and kills the server when they stay away, or when who sends them is gone.
///
/// A frozen process cannot fence its server, so this one does nothing else, and as little as it can: no event loop,
/// and no allocation while it watches. A beat carries the time at which it was sent: beats that waited here while this
/// process was frozen say nothing of now.
package struct DeadManWatch: Equatable, Sendable {
    package var socket: Int32
    /// The descriptor of the server's process.
    package var server: Int32
    package var silence: Duration
    /// For the log.
    package var serverIdentifier: Int32

    package init(socket: Int32, server: Int32, silence: Duration, serverIdentifier: Int32) {
        self.socket = socket
        self.server = server
        self.silence = silence
        self.serverIdentifier = serverIdentifier
    }

    /// The one byte that ends the watch without a kill.
    package static let goodbye = UInt8(ascii: "q")

    package enum Outcome: Equatable, Sendable {
        /// The server ended by itself.
        case serverEnded
        case saidGoodbye
        /// No beat came in time; the server was killed.
        case silent
        /// The other end of the socket is closed; the server was killed.
        case gone
    }

    // MARK: As arguments

    package var arguments: [String] {
        [socket, server, Int32(clamping: silence.milliseconds), serverIdentifier].map(String.init)
    }

    /// - Returns: `nil` where these are not ``arguments``.
    package init?(_ arguments: [String]) {
        let numbers = arguments.compactMap { Int32($0) }
        guard arguments.count == 4, numbers.count == 4, numbers.allSatisfy({ $0 > 0 }) else { return nil }
        self.init(
            socket: numbers[0], server: numbers[1], silence: .milliseconds(numbers[2]), serverIdentifier: numbers[3])
    }

    // MARK: Watching

    /// Watches until there is nothing to watch any more.
    ///
    /// - Returns: `nil` where the descriptors are not what they should be.
    package func run() -> Outcome? {
        // Ended by its parent's end alone, not by who presses ^C.
        for number in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE] { signal(number, SIG_IGN) }
        let timer = linux_boot_timer()
        guard timer != -1, fcntl(socket, F_GETFL) != -1, fcntl(server, F_GETFL) != -1 else { return nil }
        // Without the right to it memory may be paged out, and a kill may be late on a machine that swaps.
        _ = linux_lock_memory()
        return watch(timer: timer, silence: silence.nanoseconds)
    }

    private func watch(timer: Int32, silence: Int64) -> Outcome? {
        var beatAt = linux_boot_time()
        _ = linux_set_boot_timer(timer, beatAt + silence)
        var entries = (
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0), pollfd(fd: timer, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server, events: Int16(POLLIN), revents: 0)
        )
        while true {
            let count = unsafe withUnsafeMutablePointer(to: &entries) { pointer in
                unsafe pointer.withMemoryRebound(to: pollfd.self, capacity: 3) { unsafe poll($0, 3, -1) }
            }
            if count == -1, errno != EINTR { return nil }
            guard count > 0 else { continue }
            if entries.2.revents != 0 { return .serverEnded }
            if entries.0.revents != 0 {
                switch takeBeats(&beatAt) {
                case .beat: break
                case .goodbye: return .saidGoodbye
                case .gone:
                    ProcessHandle.kill(server)
                    return .gone
                }
            }
            if entries.1.revents != 0 {
                if linux_boot_time() >= beatAt + silence {
                    ProcessHandle.kill(server)
                    return .silent
                }
                // Set again only here, not at each beat.
                _ = linux_set_boot_timer(timer, beatAt + silence)
            }
        }
    }

    private enum Heard { case beat, goodbye, gone }

    /// Takes all that came, and echoes it.
    private func takeBeats(_ beatAt: inout Int64) -> Heard {
        let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)
        while true {
            var time: Int64 = 0
            let count = unsafe recv(socket, &time, 8, flags)
            switch count {
            case 8:
                // A time to come would be a longer silence than is allowed.
                beatAt = max(beatAt, min(time, linux_boot_time()))
                _ = unsafe send(socket, &time, 1, flags)
            case 1: return .goodbye
            case -1 where errno == EAGAIN: return .beat
            case -1 where errno == EINTR: continue
            default: return .gone
            }
        }
    }
}

extension Duration {
    /// Whole ones, within what an Int64 holds.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }

    var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
