import LocalTopology
import SystemPackage
import Testing

/// A program run to its end, for what it says.
struct ProgramRun {
    let ending: Spawned.Ending
    /// stdout and stderr.
    let output: String

    /// - Parameter environment: all that it sees.
    init(_ arguments: [String], of program: String = "KVApp", environment: [String: String] = [:]) throws {
        let scratch = try Scratch()
        let process = try Spawned(
            try Programs.built(program).string, arguments, environment: environment, in: scratch.path,
            log: scratch["log"])
        ending = process.ended()
        output = process.output
    }

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// The output with every run of white space made one space: a help text is wrapped.
    var words: String { output.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
