internal import Glibc
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// A started process in its own process group, which dies with this process.
///
/// A signal goes to the group, so that what the child forked (a BGSAVE) gets it too. The process identifier is used only
/// until the ending is known; between the reaping and that moment the kernel does not come round to the same number.
final class ChildProcess: Sendable {
    let pid: pid_t
    private let task: Task<Ending, Never>
    private let hasEnded: HasEnded

    private init(pid: pid_t, task: Task<Ending, Never>, hasEnded: HasEnded) {
        self.pid = pid
        self.task = task
        self.hasEnded = hasEnded
    }

    /// Starts the program and returns when it was executed, or could not be.
    static func start(_ command: Command) async throws(LocalTopologyError) -> ChildProcess {
        let (started, report) = AsyncStream.makeStream(of: Result<pid_t, LocalTopologyError>.self)
        let hasEnded = HasEnded()
        let task = Task {
            let ending = await Spawner.shared.run(command, report: report)
            hasEnded.value.withLock { $0 = true }
            return ending
        }
        // In its own task, which is never cancelled: a child that starts while its caller is cancelled must be known too.
        let result = await Task { await started.first { _ in true } }.value
        guard let result else { throw .spawn(node: command.name, reason: "nothing was reported of its start") }
        return ChildProcess(pid: try result.get(), task: task, hasEnded: hasEnded)
    }

    /// Waits for the end, however long it takes.
    func ended() async -> Ending { await task.value }

    /// Sends a signal to the whole group; to a process that has ended, nothing.
    func send(_ signal: CInt) {
        hasEnded.value.withLock { if !$0 { _ = kill(-pid, signal) } }
    }

    private final class HasEnded: Sendable {
        let value = Mutex(false)
    }

    /// What is run, and how.
    struct Command: Sendable {
        var name: String
        var executable: FilePath
        var arguments: [String]
        var environment: [String: String]
        var folder: FilePath
        var log: FilePath
    }
}

/// Forks on ``SpawnThread``: Subprocess' `run` stays on the actor that calls it.
private actor Spawner {
    static let shared = Spawner()

    nonisolated var unownedExecutor: UnownedSerialExecutor { SpawnThread.shared.asUnownedSerialExecutor() }

    func run(
        _ command: ChildProcess.Command,
        report: AsyncStream<Result<pid_t, LocalTopologyError>>.Continuation
    ) async -> Ending {
        do {
            let log = try Files.appending(to: command.log)
            var options = PlatformOptions()
            options.processGroupID = 0
            let result = try await Subprocess.run(
                .path(command.executable), arguments: Arguments(command.arguments),
                environment: .custom(
                    command.environment.reduce(into: [:]) { $0[Environment.Key(stringLiteral: $1.key)] = $1.value }),
                workingDirectory: command.folder, platformOptions: options, input: .none,
                output: .fileDescriptor(log, closeAfterSpawningProcess: true), error: .combinedWithOutput
            ) { execution in
                report.yield(.success(execution.processIdentifier.value))
                report.finish()
            }
            return switch result.terminationStatus {
            case .exited(let code): .exited(code: code)
            case .signaled(let signal): .signaled(signal)
            }
        } catch {
            let failure = error as? LocalTopologyError ?? .spawn(node: command.name, reason: "\(error)")
            report.yield(.failure(failure))
            report.finish()
            return .exited(code: 127)
        }
    }
}
