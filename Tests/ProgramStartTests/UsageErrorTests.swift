import ProgramStart
import Testing

@Suite("What is wrong with a program's arguments")
struct UsageErrorTests {
    private func text(_ message: String, _ arguments: String...) -> String {
        UsageError(
            program: "kv-local", message: message, arguments: arguments[...],
            subcommands: ["run", "kill", "start", "drill-lost-disk"]
        ).description
    }

    @Test("is one line that names the program")
    func line() {
        #expect(text("Unknown option '--x'", "--x") == "kv-local: error: Unknown option '--x'. See 'kv-local --help'.")
        #expect(text("A.\n  B?", "run") == "kv-local: error: A. B? See 'kv-local --help'.")
    }

    @Test("names the sub-command that was meant")
    func suggestion() {
        for (given, meant) in [
            ("rnu", "run"), ("kil", "kill"), ("strat", "start"), ("drill-lost-disc", "drill-lost-disk"),
        ] {
            #expect(text("Unexpected argument '\(given)'", given).contains("Did you mean '\(meant)'?"), "\(given)")
        }
        for given in ["elephant", "--rnu", "run", "", String(repeating: "r", count: 100_000)] {
            #expect(!text("Unexpected argument", given).contains("Did you mean"), "\(given.prefix(20))")
        }
    }

    @Test("obeys no control characters of an argument")
    func escapes() {
        let argument = "a\u{1B}[31mb\nc\u{9B}\u{202E}d\r\n"
        let line = text("Unexpected argument '\(argument)'", argument)
        #expect(line.contains(#"'a\u{1b}[31mb\u{a}c\u{9b}\u{202e}d\u{d}\u{a}'"#), "\(line)")
        #expect(!line.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }

    @Test("counts letters that are added, removed, replaced and exchanged")
    func distance() {
        for (a, b, expected) in [
            ("", "", 0), ("chekc", "check", 1), ("run", "runs", 1), ("kitten", "sitting", 3), ("", "ab", 2),
        ] {
            #expect(UsageError.distance(a, b) == expected, "\(a) \(b)")
            #expect(UsageError.distance(b, a) == expected, "\(b) \(a)")
        }
    }
}
