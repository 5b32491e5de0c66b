public import ArgumentParser
import Glibc

// How a program of this project starts: `static func main() { start() }`.

extension ParsableCommand {
    /// Reads the arguments and runs the command.
    ///
    /// Arguments that are wrong end the program with the code 64 (EX_USAGE, sysexits.h) after one line on stderr. It names the
    /// program and what is wrong; control characters of an argument are escaped. Of all else ArgumentParser takes care.
    public static func start() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            end(with: error)
        }
    }

    fileprivate static func end(with error: any Error) -> Never {
        if exitCode(for: error) == .success {
            print(Help.usageFirst(fullMessage(for: error)))
            exit(withError: ExitCode.success)
        }
        // Who throws an exit code has said why.
        guard !(error is ExitCode), exitCode(for: error) == .validationFailure else { exit(withError: error) }
        let usage = UsageError(
            program: _commandName, message: message(for: error), arguments: CommandLine.arguments.dropFirst(),
            subcommands: configuration.subcommands.map { $0._commandName })
        var line = Array("\(usage)\n".utf8)[...]
        while !line.isEmpty {
            let count = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            line = line.dropFirst(count)
        }
        exit(withError: ExitCode.validationFailure)
    }
}

extension AsyncParsableCommand {
    /// As ``ArgumentParser/ParsableCommand/start()``, for a command that runs asynchronously.
    public static func start() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }
}
