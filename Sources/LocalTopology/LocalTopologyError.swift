/// Why something on this machine did not start, answer or stop. Every case says what to do, or shows the log.
public enum LocalTopologyError: Error, Hashable, Sendable {
    /// A program of this package is not built; `command` builds it.
    case notBuilt(program: String, lookedIn: String, command: String)
    /// A program of the system is not installed.
    case notInstalled(program: String, package: String)
    /// Something already listens on the endpoint.
    case taken(Endpoint)
    /// A system call failed on `subject`.
    case system(attempt: String, subject: String, errno: CInt)
    /// The child could not be started at all.
    case spawn(node: String, reason: String)
    /// No node of the cluster has this name.
    case unknownNode(String)
    /// The node's process is not running, so there is nothing to signal or ask.
    case notRunning(node: String)
    /// The node ended while something was expected of it.
    case died(node: String, ending: Ending, log: LogTail)
    /// The deadline passed; `seen` is what the last check saw instead.
    case timedOut(condition: String, within: Duration, seen: String, log: LogTail?)
}

extension LocalTopologyError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notBuilt(let program, let folder, let command):
            "\(program) is not in \(folder); build it with: \(command)"
        case .notInstalled(let program, let package):
            "\(program) is not on PATH; install it with: apt-get install \(package)"
        case .taken(let endpoint):
            "port \(endpoint.port) on \(endpoint.host) is taken"
        case .system(let attempt, let subject, let code):
            "cannot \(attempt) \(subject): \(systemMessage(code))"
        case .spawn(let node, let reason):
            "cannot start \(node): \(reason)"
        case .unknownNode(let name):
            "no node is called \(name)"
        case .notRunning(let node):
            "\(node) is not running"
        case .died(let node, let ending, let log):
            "\(node) \(ending)\n\(log)"
        case .timedOut(let condition, let within, let seen, let log):
            "gave up after \(within) waiting until \(condition); last seen: \(seen)" + (log.map { "\n\($0)" } ?? "")
        }
    }
}

/// How a process ended.
public enum Ending: Hashable, Sendable, CustomStringConvertible {
    case exited(code: CInt)
    case signaled(CInt)

    public var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .signaled(let signal): "was ended by signal \(signal)"
        }
    }
}

/// The last lines of a node's output, and where the rest is.
public struct LogTail: Hashable, Sendable, CustomStringConvertible {
    public let path: String
    public let lines: [String]

    public var description: String {
        lines.isEmpty ? "its log \(path) is empty" : "its log \(path) ends with:\n  " + lines.joined(separator: "\n  ")
    }
}
