import FailoverAgent
import Glibc
import Hiredis
import LocalTopology
import NIOCore
import NIOPosix
import Supervision
import Testing

/// A redis-server as a supervised child of this process, and what fences it.
///
/// `@unchecked Sendable`: what lives on the event loop is made and used there alone.
final class FenceScene: @unchecked Sendable {
    let scratch: Scratch
    let socket: String
    let identifier: pid_t
    private let group: MultiThreadedEventLoopGroup
    private let eventLoop: any EventLoop
    private let children: NIOLoopBound<ChildProcesses>
    private let process: NIOLoopBound<SupervisedProcess>
    private let control: NIOLoopBound<RedisServerControl>
    private let password: String?

    /// - Parameters:
    ///   - path: the server's program.
    ///   - password: what the server asks for.
    ///   - shown: what the fence shows it.
    ///   - minimumReplicas: what the user's configuration asks for while writes are taken.
    init(
        _ path: String, _ arguments: [String] = [], password: String? = nil, shown: String? = nil,
        minimumReplicas: (count: Int, lagSeconds: Int) = (0, 10)
    ) async throws {
        scratch = try Scratch()
        socket = scratch["s.sock"]
        self.password = password
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        self.eventLoop = eventLoop
        let configuration = try scratch.write(
            "redis.conf",
            """
            dir \(scratch.path)
            logfile \(scratch["log"])
            save ""
            port 0
            unixsocket \(socket)
            repl-diskless-sync-delay 0
            \(password.map { "requirepass \($0)\n" } ?? "")\(arguments.map { $0 + "\n" }.joined())
            """.utf8)
        let command = ProcessCommand(program: path, arguments: [Array(configuration.utf8)])
        let socket = socket
        let made = try await eventLoop.submit { () throws in
            let children = ChildProcesses()
            let process = try SupervisedProcess.start(command, among: children) { _, _ in }
            let bound = NIOLoopBound(children, eventLoop: eventLoop)
            let child = NIOLoopBound(process, eventLoop: eventLoop)
            let location = ServerLocation(
                .unixSocket(socket), logins: shown.map { [.init(password: Array($0.utf8))] } ?? [])
            let control = RedisServerControl(location, minimumReplicas: minimumReplicas, eventLoop: eventLoop) {
                let gone = eventLoop.makePromise(of: Void.self)
                eventLoop.execute {
                    child.value.whenEnded { gone.succeed() }
                    child.value.kill()
                }
                try? await gone.futureResult.get()
            }
            // The tests' own process gets no SIGCHLD on a descriptor.
            eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(1)) { _ in bound.value.reap() }
            return (
                bound, child, NIOLoopBound(control, eventLoop: eventLoop), process.identifier
            )
        }.get()
        (children, process, control, identifier) = made
        let answers = Deadline.wait(20) { () -> Bool? in
            guard access(socket, F_OK) == 0, let reply = try? connection().get("PING") else { return nil }
            return reply.text == "PONG" ? true : nil
        }
        try #require(answers == true, "\(log)")
    }

    deinit {
        // Its zombie is reaped before the loop ends; the other way round it would stay until this process ends.
        kill(identifier, SIGKILL)
        let (children, process, group) = (children, process, group)
        eventLoop.execute {
            process.value.whenEnded { group.shutdownGracefully { _ in } }
            children.value.reap()
        }
    }

    var log: String { String(decoding: (try? scratch.read("log")) ?? [], as: UTF8.self) }

    /// A separate connection, logged in.
    func connection() throws -> TestConnection {
        var connection = try BlockingConnection(path: socket, timeout: .seconds(20))
        if let password { _ = try connection.command("AUTH", password) }
        return TestConnection(connection)
    }

    // MARK: On the event loop

    func fence(within limit: Duration = .seconds(5)) async throws -> (outcome: FenceOutcome, time: Duration) {
        let begin = ContinuousClock.now
        let promise = eventLoop.makePromise(of: FenceOutcome.self)
        eventLoop.execute { [control] in control.value.fence(within: limit) { promise.succeed($0) } }
        return (try await promise.futureResult.get(), ContinuousClock.now - begin)
    }

    func promote() async throws -> Promotion {
        let promise = eventLoop.makePromise(of: Promotion.self)
        eventLoop.execute { [control] in
            control.value.promote(within: .seconds(5)) { promise.completeWith($0.mapError { $0 }) }
        }
        return try await promise.futureResult.get()
    }

    func takeWrites() async throws -> ServerControlError? {
        let promise = eventLoop.makePromise(of: ServerControlError?.self)
        eventLoop.execute { [control] in control.value.takeWrites(within: .seconds(5)) { promise.succeed($0) } }
        return try await promise.futureResult.get()
    }

    // MARK: Asking

    func info(_ name: String, of section: String = "replication") throws -> String? {
        let text = try connection().get("INFO", section).text ?? ""
        return text.split(separator: "\r\n").first { $0.hasPrefix("\(name):") }.map {
            String($0.dropFirst(name.count + 1))
        }
    }

    /// Waits until clients with these commands are being served.
    func waitForClients(_ commands: [String]) throws {
        let seen = Deadline.wait(20) { () -> Bool? in
            let list = (try? connection().get("CLIENT", "LIST").text) ?? ""
            return commands.allSatisfy { list.contains("cmd=\($0) ") || list.contains("cmd=\($0)\n") } ? true : nil
        }
        let list = try connection().get("CLIENT", "LIST").text ?? ""
        try #require(seen == true, "\(commands) in \(list)")
    }
}

/// A connection that blocks, to one server.
final class TestConnection: @unchecked Sendable {
    // Used by one task at a time.
    private var connection: BlockingConnection

    init(_ connection: consuming BlockingConnection) { self.connection = connection }

    func get(_ words: String...) throws -> BlockingReply { try connection.command(words.map { Array($0.utf8) }) }

    /// Sends a command whose answer may be long in coming, and gives it, or why none came.
    func later(_ words: String...) -> Task<Answer, Never> { later(words) }

    func later(_ words: [String]) -> Task<Answer, Never> {
        Task {
            await withCheckedContinuation { continuation in
                onOwnThread {
                    do {
                        continuation.resume(
                            returning: .reply(try self.connection.command(words.map { Array($0.utf8) })))
                    } catch {
                        continuation.resume(returning: .noReply("\(error)"))
                    }
                }
            }
        }
    }

    enum Answer: Equatable, Sendable {
        case reply(BlockingReply)
        case noReply(String)

        /// Whether a client would take it for done.
        var acknowledges: Bool {
            switch self {
            case .reply(.error), .noReply: false
            case .reply: true
            }
        }
    }
}
