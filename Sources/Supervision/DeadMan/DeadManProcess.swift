import CLinux
import Glibc
package import NIOCore
import NIOPosix

/// This process's end of the dead-man process: a second process that kills the server when this one falls silent.
///
/// One for each life of the server. It inherits the descriptor of the server's process: no number is sent that could
/// be another process's by then, and what it watches never changes. It inherits one end of a socket, on which beats go
/// there and an echo comes back.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
package final class DeadManProcess {
    package struct Settings: Equatable, Sendable {
        /// How long this process may be silent; shorter than the lease.
        package var silence: Duration
        /// The program, and what to put before the arguments that are ``DeadManWatch``'s.
        package var program: String
        package var arguments: [String]

        package init(silence: Duration, program: String, arguments: [String]) {
            self.silence = silence
            self.program = program
            self.arguments = arguments
        }

        /// From one beat to the next.
        var interval: Duration { silence / 10 }
    }

    package enum State: Equatable, Sendable {
        /// No server runs.
        case idle
        /// A process was started, and has not answered yet; or none could be. From when on nothing kills the server if
        /// this process freezes.
        case absent(since: Duration)
        /// It answers.
        case watching
    }

    private let settings: Settings
    private let children: ChildProcesses
    private let loop: NIOIsolatedEventLoop
    private let eventLoop: any EventLoop
    private let whenChanged: (State) -> Void
    package private(set) var state = State.idle {
        didSet { if state != oldValue { whenChanged(state) } }
    }
    /// Why the last one could not be started.
    package private(set) var trouble: SpawnError?
    private var server: SupervisedProcess?
    private var process: SupervisedProcess?
    private var socket: Int32 = -1
    private var echoedAt = Duration.zero
    private var timer: Scheduled<Void>?
    private var restart: Scheduled<Void>?
    private var backoff = RestartBackoff()
    private var restarts = 0

    /// - Parameter whenChanged: called on the event loop at each change of ``state``.
    package init(
        _ settings: Settings, children: ChildProcesses, eventLoop: any EventLoop,
        whenChanged: @escaping (State) -> Void
    ) {
        self.settings = settings
        self.children = children
        self.eventLoop = eventLoop
        loop = eventLoop.assumeIsolated()
        self.whenChanged = whenChanged
    }

    /// Since when nothing kills the server if this process freezes; `nil` while the dead-man process watches, and
    /// without a server.
    ///
    /// A server must not take writes for longer than ``Settings/silence`` after it.
    package var unwatchedSince: Duration? { if case .absent(let since) = state { since } else { nil } }

    /// Watches a server that was just started.
    package func watch(_ server: SupervisedProcess) {
        stop()
        self.server = server
        restarts = 0
        backoff = RestartBackoff()
        state = .absent(since: BootTime.now)
        start()
    }

    /// The server has ended, or runs on without being watched: the dead-man process ends, and kills nothing.
    package func stop() {
        if socket != -1 { _ = unsafe Glibc.send(socket, [DeadManWatch.goodbye], 1, Self.flags) }
        leave()
        server = nil
        state = .idle
    }

    private static let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)

    private func leave() {
        timer?.cancel()
        restart?.cancel()
        if socket != -1 { close(socket) }
        socket = -1
        process = nil
    }

    private func start() {
        guard let server else { return }
        do throws(SpawnError) {
            try spawn(watching: server)
            trouble = nil
        } catch {
            trouble = error
            startLater()
        }
    }

    private func spawn(watching server: SupervisedProcess) throws(SpawnError) {
        var ends: [Int32] = [-1, -1]
        // Records keep their bounds, and the end of the other side shows.
        let type = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw SpawnError(attempt: "make a socket for the dead-man process", code: errno)
        }
        defer { close(ends[1]) }
        let watch = DeadManWatch(
            socket: ends[1], server: server.handle.descriptor, silence: settings.silence,
            serverIdentifier: server.identifier)
        var command = ProcessCommand(
            program: settings.program, arguments: (settings.arguments + watch.arguments).map { Array($0.utf8) })
        command.descriptors = [ends[1], server.handle.descriptor]
        let process: SupervisedProcess
        do throws(SpawnError) {
            process = try SupervisedProcess.start(command, among: children) { process, _ in self.ended(process) }
        } catch {
            close(ends[0])
            throw error
        }
        self.process = process
        socket = ends[0]
        echoedAt = BootTime.now
        listen(dup(ends[0]), of: process)
        beat()
    }

    private func ended(_ ended: SupervisedProcess) {
        guard ended === process, let server else { return }
        leave()
        // It ends by itself when the server has, which this process is about to hear of, too.
        guard linux_ended_child(server.identifier) != server.identifier else { return }
        if case .watching = state { state = .absent(since: BootTime.now) }
        restarts += 1
        // At once, and then less and less often.
        restarts == 1 ? start() : startLater()
    }

    private func startLater() {
        restart = loop.scheduleTask(in: .init(backoff.wait(after: .zero))) { self.start() }
    }

    // MARK: Beats

    private func beat() {
        let now = BootTime.now
        if now - echoedAt > settings.silence {
            // It hangs: another one takes its place when it has ended.
            process?.kill()
            if case .watching = state { state = .absent(since: echoedAt) }
        }
        var time = linux_boot_time()
        _ = unsafe Glibc.send(socket, &time, MemoryLayout<Int64>.size, Self.flags)
        timer = loop.scheduleTask(in: .init(settings.interval)) { self.beat() }
    }

    private func listen(_ descriptor: Int32, of process: SupervisedProcess) {
        let bound = NIOLoopBound({ self.heard(process) }, eventLoop: eventLoop)
        _ = NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Echoes(bound.value))
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
    }

    private func heard(_ other: SupervisedProcess) {
        guard other === process, other.end == nil else { return }
        echoedAt = BootTime.now
        state = .watching
        if echoedAt - other.startedAt > RestartBackoff.longLife { restarts = 0 }
    }
}

private final class Echoes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let heard: () -> Void

    init(_ heard: @escaping () -> Void) { self.heard = heard }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { heard() }
}
