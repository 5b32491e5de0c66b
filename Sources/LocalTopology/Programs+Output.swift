internal import Subprocess
public import SystemPackage

extension Programs {
    /// Runs a program to its end.
    ///
    /// - Returns: its exit code, 128 + the signal's number where one ended it, and at most 64 KiB of what it wrote.
    nonisolated public static func output(
        of program: FilePath, _ arguments: [String]
    ) async throws(LocalTopologyError) -> (code: Int32, text: String) {
        do {
            let result = try await Subprocess.run(
                .path(program), arguments: Arguments(arguments), input: .none, output: .string(limit: 65_536),
                error: .combinedWithOutput)
            let text = result.standardOutput
            return switch result.terminationStatus {
            case .exited(let code): (code, text)
            case .signaled(let signal): (128 + signal, text)
            }
        } catch {
            throw .spawn(node: program.lastComponent?.string ?? "", reason: "\(error)")
        }
    }
}
