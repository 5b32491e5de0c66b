public import ArgumentParser
import Settings
import Telemetry

extension ExitCode {
    /// EX_UNAVAILABLE of sysexits.h.
    public static let unavailable = ExitCode(69)
    /// EX_SOFTWARE.
    public static let software = ExitCode(70)

    /// Says on stderr, in one line, why a program cannot go on.
    ///
    /// - Parameters:
    ///   - error: its description says what to do.
    ///   - program: the name that the line begins with.
    ///   - code: for errors that are not in the configuration.
    /// - Returns: what to end with: 64 (EX_USAGE) where a flag is at fault, 78 (EX_CONFIG) for the rest of the configuration.
    public static func reporting(_ error: any Error, of program: String, else code: ExitCode = .software) -> ExitCode {
        StandardError.write(Array("\(program): \("\(error)".onOneLine)\n".utf8))
        guard let error = error as? ConfigurationError else { return code }
        return ExitCode(error.isUsage ? 64 : 78)
    }
}
