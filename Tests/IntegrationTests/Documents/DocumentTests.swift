import Glibc
import LocalTopology
import SystemPackage
import Testing

@Suite("The documents' commands answer as they are shown")
struct DocumentTests {
    @Test(
        "each curl line, in the order of the document, on a cluster of its own",
        arguments: ["docs/api.md", "docs/consistency.md", "docs/redis-replica-sidecar.md"])
    func commands(path: String) async throws {
        let transcript = ConsoleTranscript(try Self.read(path))
        try #require(transcript.steps.count >= 5, "\(path) has no commands")
        try await Self.compare(transcript.steps, of: path)
    }

    @Test(
        "each command that needs no Kubernetes, in the order of the document, on a cluster of its own",
        arguments: ["docs/tutorial.md", "docs/operations.md"])
    func commandsOfOneMachine(path: String) async throws {
        let transcript = ConsoleTranscript(try Self.read(path))
        let steps = transcript.stepsOfOneMachine
        try #require(steps.count >= 3, "\(path) has no commands for one machine")
        try #require(steps.count < transcript.steps.count, "\(path) has no commands for a cluster")
        try await Self.compare(steps, of: path)
    }

    /// Runs the commands beside the local cluster that `make run` starts, and compares what they print with what is shown.
    private static func compare(_ steps: [ConsoleTranscript.Step], of path: String) async throws {
        let system = try KeyValueCluster(apps: 3, hasSidecars: true)
        let app = try #require(system.apps.first).endpoint
        let addresses = [
            ("127.0.0.1:30003", "\(app)"), ("127.0.0.1:16379", "\(system.master.endpoint)"),
            ("127.0.0.2:16380", "\(system.replicas[0].endpoint)"),
            ("127.0.0.3:16381", "\(system.replicas[1].endpoint)"),
            ("127.0.0.2:19121", "\(system.sidecars[0].endpoint)"),
            ("127.0.0.3:19121", "\(system.sidecars[1].endpoint)"), ("<key-value-app-…>", "<app-…>"),
            // As redis-cli takes them.
            ("-p 16379", "-p \(system.master.endpoint.port)"), ("-p 16380", "-p \(system.replicas[0].endpoint.port)"),
            ("-p 16381", "-p \(system.replicas[1].endpoint.port)"),
            ("127.0.0.1 16379", "127.0.0.1 \(system.master.endpoint.port)"),
        ]
        func translated(_ text: String) -> String {
            addresses.reduce(text) { $0.replacing($1.0, with: $1.1) }
        }
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            let outputs = try Self.run(steps.map { translated($0.command) })
            try #require(outputs.count == steps.count, "the shell ended early: \(outputs.last ?? "")")
            for (step, output) in zip(steps, outputs) {
                #expect(
                    ConsoleTranscript.matches(step.output.map(translated), output),
                    """
                    \(path):\(step.line)
                    $ \(step.command)
                    shown:
                    \(step.output.joined(separator: "\n"))
                    seen:
                    \(output)
                    """)
            }
        }
    }

    @Test(
        "the Chinese documents show the same commands and outputs as the English ones",
        arguments: [("README.md", "README.zh-CN.md"), ("docs/tutorial.md", "docs/tutorial.zh-CN.md")])
    func translations(english: String, chinese: String) throws {
        let expected = ConsoleTranscript(try Self.read(english)).steps
        let shown = ConsoleTranscript(try Self.read(chinese)).steps
        try #require(expected.count >= 20, "\(english) has no commands")
        for (step, original) in zip(shown, expected) {
            #expect(step.command == original.command, "\(chinese):\(step.line), \(english):\(original.line)")
            #expect(step.output == original.output, "\(chinese):\(step.line), \(english):\(original.line)")
            #expect(step.block == original.block, "\(chinese):\(step.line), \(english):\(original.line)")
        }
        #expect(shown.count == expected.count)
    }

    @Test("every problem that the app can answer with is in docs/api.md, and every one there is the app's")
    func problems() throws {
        let source = try Self.read("Sources/KeyValueService/Responses/Problem.swift")
        let codes = try #require(source.firstRange(of: "var code: StaticString {")).upperBound
        let known = Self.quoted(source[codes...].prefix { $0 != "}" }, by: "\"")
        try #require(known.count > 25)
        let document = try Self.read("docs/api.md")
        let section = try #require(document.firstRange(of: "## Errors")).upperBound
        let rows = document[section...].split(separator: "\n").filter { $0.hasPrefix("| ") }
        var told: Set<String> = []
        for row in rows { told.formUnion(Self.quoted(row, by: "`")) }
        told = told.filter { code in code != "code" && code.allSatisfy { $0.isLowercase || $0 == "-" } }
        #expect(told.subtracting(known) == [], "told, and not there")
        #expect(known.subtracting(told) == [], "there, and not told")
    }

    @Test("every reason that a malformed request can have is in docs/api.md, and every one there is the app's")
    func reasons() throws {
        let source = try Self.read("Sources/KeyValueService/Responses/Problem+Malformation.swift")
        let start = try #require(source.firstRange(of: "var reason: StaticString {")).upperBound
        let known = Self.quoted(source[start...].prefix { $0 != "}" }, by: "\"")
        try #require(known.count > 25)
        let document = try Self.read("docs/api.md")
        let section = try #require(document.firstRange(of: "Its member `reason` is stable too:")).upperBound
        let end = try #require(document[section...].firstRange(of: "```")).lowerBound
        let told = Self.quoted(document[section..<end], by: "`")
        #expect(told.subtracting(known) == [], "told, and not there")
        #expect(known.subtracting(told) == [], "there, and not told")
    }

    /// Every other piece of a text: those within the marks.
    private static func quoted(_ text: Substring, by mark: Character) -> Set<String> {
        let pieces = text.split(separator: mark, omittingEmptySubsequences: false)
        return Set(stride(from: 1, to: pieces.count, by: 2).map { String(pieces[$0]) })
    }

    /// Runs the commands one after the other in one shell, so that a variable that one sets serves the next.
    private static func run(_ commands: [String]) throws -> [String] {
        let scratch = try Scratch()
        let mark = "==== next command ===="
        let script = commands.map { "\($0)\nprintf '\\n%s\\n' '\(mark)'" }.joined(separator: "\n")
        let file = try scratch.write("commands", script.utf8)
        // On a terminal, which the reader has, curl shows no progress beside an answer.
        try scratch.write(".curlrc", "no-progress-meter\n".utf8)
        // Our programs as `make install` leaves them.
        let programs = try Programs.built("redis-replica-init").removingLastComponent()
        let shell = try Spawned(
            "/bin/bash", [file],
            environment: ["PATH": "\(programs):/usr/local/bin:/usr/bin:/bin", "CURL_HOME": scratch.path],
            in: scratch.path,
            log: scratch["output"])
        try #require(shell.ended(within: 60) == .exited(0), "\(shell.output)")
        return Array(
            shell.output.split(separator: "\n\(mark)\n", omittingEmptySubsequences: false).map(String.init).dropLast())
    }

    /// A file of the checkout.
    static func read(_ path: String) throws -> String {
        String(decoding: try Scratch.read("\(Scratch.root)/\(path)"), as: UTF8.self)
    }
}

@Suite("Documents are compared with what is seen")
struct ConsoleTranscriptTests {
    @Test("a block's commands and their output are taken, everything else is left")
    func parsing() {
        let transcript = ConsoleTranscript("text\n$ no\n```console\n$ a\nb\n\nc\n$ d\n```\n```sh\n$ no\n```\n")
        #expect(transcript.steps.map(\.command) == ["a", "d"])
        #expect(transcript.steps.map(\.output) == [["b", "", "c"], []])
        #expect(transcript.steps.map(\.line) == [4, 8])
    }

    @Test("a block in which Kubernetes is asked is of a cluster as a whole, all others of one machine")
    func oneMachine() {
        let blocks = ["$ a\n$ kubectl get pods\n$ b", "$ c\n$ d", "$ e | kubectl apply -f -", "$ f"]
        let transcript = ConsoleTranscript(blocks.map { "```console\n\($0)\n```\n" }.joined(separator: "text\n"))
        #expect(transcript.stepsOfOneMachine.map(\.command) == ["c", "d", "f"])
    }

    @Test(
        "an ellipsis stands for what differs, and for nothing more",
        arguments: [
            (["a"], "a\n", true), (["a"], "a\r\n", true), (["a"], "b", false), ([], "", true), ([], "a", false),
            (["a"], "", false),
            (["a…c"], "abbbc", true), (["a…c"], "abbbd", false), (["…"], "a\nb\n", true), (["…", "b"], "a\nb", true),
            (["…", "b"], "a\nc", false), (["x…", "…", "y"], "xa\r\nb\r\ny\r\n", true), (["a…b…c"], "a1b2c", true),
            (["a…b…c"], "a1c", false), (["a", "b"], "a", false),
        ] as [([String], String, Bool)])
    func matching(shown: [String], output: String, isMatch: Bool) {
        #expect(ConsoleTranscript.matches(shown, output) == isMatch)
    }
}
