import ReplicaPlanning

/// Why the program ends without having become redis-server.
enum Failure: Error {
    /// The invocation, the environment or the configuration is wrong.
    case plan(PlanError)
    /// The startup guard does not let the master start, for these reasons.
    case held([String])
    /// The same, for reasons that say themselves what to do.
    case blocked([String])
    /// A system call failed: what was attempted, why, what to do, and the exit code.
    case system(SystemError, cure: String, exitCode: Int32)
    /// Something is not as it must be, without a call that failed.
    case unmet(String, cure: String, exitCode: Int32)

    var exitCode: Int32 {
        switch self {
        case .plan(let error): error.exitCode
        case .held, .blocked: ExitCode.held
        case .system(_, _, let code), .unmet(_, _, let code): code
        }
    }

    /// One line for each problem.
    var lines: [String] {
        switch self {
        case .plan(.usage(let message)): ["error: \(message); see redis-replica-init --help"]
        case .plan(.refused(let diagnostics)): diagnostics.map(\.description)
        case .held(let reasons): reasons.map { "blocked: \($0); \(StartupGuard.cure)" }
        case .blocked(let reasons): reasons.map { "blocked: \($0)" }
        case .system(let error, let cure, _): ["error: \(error); \(cure)"]
        case .unmet(let message, let cure, _): ["error: \(message); \(cure)"]
        }
    }
}
