public import RedisConf

/// Where a value or a problem comes from.
public enum Origin: Equatable, Sendable {
    case environment(String)
    /// The file that a `*_FILE` variable names.
    case secretFile(variable: String, path: [UInt8])
    case file(path: [UInt8], Position)
    /// redis-server's arguments on our command line.
    case arguments
    /// What the sidecar has decided since the environment was written.
    case record(path: [UInt8])
    /// What Sentinel said at this start.
    case sentinel
    /// Decided by the program because nothing else says otherwise.
    case preset
}

extension Origin: CustomStringConvertible {
    public var description: String {
        switch self {
        case .environment(let name): name
        case .secretFile(let variable, let path): "\(variable)=\(shownPath(path))"
        case .file(let path, let position): "\(shownPath(path)):\(position.line):\(position.column)"
        case .arguments: "arguments"
        case .record(let path): shownPath(path)
        case .sentinel: "Sentinel"
        case .preset: "default"
        }
    }
}

/// Something found before exec, with where and what to do.
public struct Diagnostic: Equatable, Sendable {
    public enum Severity: String, Sendable, Comparable {
        case note, warning, error

        private var rank: Int { self == .note ? 0 : self == .warning ? 1 : 2 }

        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    }

    public var severity: Severity
    public var origin: Origin?
    public var problem: Problem

    public init(_ severity: Severity, _ problem: Problem, at origin: Origin? = nil) {
        self.severity = severity
        self.origin = origin
        self.problem = problem
    }
}

extension Diagnostic: CustomStringConvertible {
    /// One line: severity, place, what is wrong, the cure. Never a secret.
    public var description: String {
        let place = origin.map { "\($0): " } ?? ""
        return "\(severity.rawValue): \(place)\(problem.message); \(problem.cure)"
    }
}

/// Why there is no plan.
public enum PlanError: Error, Equatable, Sendable {
    case usage(String)
    /// At least one of them is an error (or a warning, if strict); the others are reported with it.
    case refused([Diagnostic])

    /// The exit code of sysexits.h.
    public var exitCode: Int32 {
        switch self {
        case .usage: ExitCode.usage
        case .refused(let diagnostics):
            diagnostics.first { $0.severity == .error }?.problem.exitCode ?? ExitCode.configuration
        }
    }
}

/// The exit codes of this program (sysexits.h, and the shell's for exec).
public enum ExitCode {
    public static let usage: Int32 = 64
    /// EX_TEMPFAIL: the startup guard holds a master.
    public static let held: Int32 = 75
    public static let inputOutput: Int32 = 74
    public static let permission: Int32 = 77
    public static let configuration: Int32 = 78
    public static let cannotExecute: Int32 = 126
    public static let notFound: Int32 = 127
}
