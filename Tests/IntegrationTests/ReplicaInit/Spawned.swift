import Glibc

/// A child process started with blocking calls: for tests that mind its exact arguments, descriptors and signals.
///
/// What it writes goes to a file. The descriptors of this process that have no FD_CLOEXEC are inherited.
struct Spawned {
    enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signaled(Int32)
        /// Killed because its time was up.
        case timedOut
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let pid: pid_t
    private let log: String

    /// - Parameters:
    ///   - environment: all that it sees.
    ///   - folder: where it starts.
    ///   - log: a file for its standard output and error.
    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], in folder: String,
        log: String
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Glibc's module does not show posix_spawn_file_actions_addchdir_np.
        var words = (["env", "-C", folder, program] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, "/usr/bin/env", &actions, nil, &words, &variables)
        guard code == 0 else {
            throw Failure(description: "cannot start \(program): \(String(cString: strerror(code)))")
        }
        pid = child
        self.log = log
    }

    /// What it has written so far.
    var output: String { String(decoding: (try? Scratch.read(log)) ?? [], as: UTF8.self) }

    /// The ending if it is over.
    func endingIfOver() -> Ending? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        return status & 0x7F == 0 ? .exited((status >> 8) & 0xFF) : .signaled(status & 0x7F)
    }

    /// Waits for the end. Once only: then the process is gone.
    func ended(within seconds: Int = 20) -> Ending {
        if let ending = Deadline.wait(seconds, for: endingIfOver) { return ending }
        kill()
        return .timedOut
    }

    /// Ends it at once and waits until it is gone.
    func kill() {
        _ = Glibc.kill(pid, SIGKILL)
        var status: Int32 = 0
        _ = waitpid(pid, &status, 0)
    }
}

/// Waiting for a condition.
enum Deadline {
    /// The first value the condition gives; nil when the time is up.
    static func wait<Value>(_ seconds: Int, for condition: () -> Value?) -> Value? {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            if let value = condition() { return value }
            if ContinuousClock.now > end { return nil }
            _ = poll(nil, 0, 1)
        }
    }
}
