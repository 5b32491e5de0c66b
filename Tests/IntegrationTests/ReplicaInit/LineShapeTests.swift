import Glibc
import LocalTopology
import RedisConf
import SeededRandomness
import SystemPackage
import Testing

@Suite("Odd lines mean what they mean to the server")
struct LineShapeTests {
    /// How many lines are tried on each server; more by `LINE_SHAPES`, for a long run.
    private static let count = getenv("LINE_SHAPES").flatMap { Int(String(cString: $0)) } ?? 40

    @Test(
        "a line of any shape is taken or refused as by the server, and its text is the same",
        arguments: RedisServer.paths)
    func shapes(path: String) async throws {
        let server = try RedisServer(path)
        let program = try Programs.built("redis-replica-init").string
        let (findings, taken) = try await Background.run {
            var judge = try LineJudge(server: server, program: program)
            var generator = LineShapes(random: SplitMix64(seed: 18))
            for _ in 0..<Self.count { try judge.compare(generator.next()) }
            return (judge.findings, judge.taken)
        }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
        #expect(taken >= Self.count / 5 && taken <= Self.count * 4 / 5, "taken \(taken)")
    }
}

/// Lines: a directive of each kind, values that fit and that do not, and every way to quote them.
private struct LineShapes {
    var random: SplitMix64

    private static let texts = ["masterauth", "syslog-ident", "masteruser", "replica-announce-ip"]
    private static let values: [(name: String, values: [String])] = [
        ("maxmemory", ["1mb", "5GB", "gb", "1.5gb", "-1", "2 mb", "5t", "05", ""]),
        ("maxclients", ["50", "0", "x", "07", "+7", "4294967296", "50 60"]),
        ("appendonly", ["yes", "NO", "on", "", "1"]),
        ("maxmemory-policy", ["allkeys-lru", "NOEVICTION", "allkeys_lru", "none"]),
        ("save", ["900 1", "900 1 300 10", "900", "\"\"", "'900 1'", "0 1", "x y", "'900 1' 5", "'\"\"'", "'\"\" 1'"]),
        (
            "client-output-buffer-limit",
            ["normal 1 1 1", "slave 1mb 1mb 5", "'pubsub 1 1 1'", "other 1 1 1", "normal 1 1"]
        ),
        ("unixsocketperm", ["700", "0777", "888", "1777", "x"]),
        ("notify-keyspace-events", ["KEA", "Kn", "Kd", "Kq", ""]),
        ("dbfilename", ["d.rdb", "a/b", "", "'a b'"]),
        ("rename-command", ["GET x", "GET \"\"", "NOSUCH x", "GET SET", "GET"]),
        ("oom-score-adj-values", ["0 1 2", "'0 1 2'", "'\"\"'", "'0 1 \"2\"'", "0 1", "0 1 9999"]),
        ("latency-tracking-info-percentiles", ["50 99.9", "101", "5e1", "x"]),
        ("shutdown-on-sigterm", ["save now", "'\"\"'", "'nosave force'", "save nosave", "later"]),
    ]
    private static let words = ["abc", "a b", "#x", "it's", "q\"q", "", "\\n", "x y z", "a\\x41"]

    mutating func next() -> (line: String, text: String?) {
        if Int.random(in: 0..<2, using: &random) == 0 {
            let name = pick(Self.texts)
            return ("\(spelled(name)) \(quoted(pick(Self.words)))\(pick(["", "", "", " ", "\t", " x", " # c"]))", name)
        }
        let (name, values) = Self.values[Int.random(in: 0..<Self.values.count, using: &random)]
        return ("\(spelled(name))\(pick([" ", " ", "\t", "  "]))\(pick(values))\(pick(["", "", "", " \t", "\r"]))", nil)
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }

    private mutating func spelled(_ name: String) -> String {
        pick([name, name, name, name.uppercased(), "\"\(name)\"", "'\(name)'", " \(name)"])
    }

    private mutating func quoted(_ word: String) -> String {
        let escaped = word.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let hexadecimal = word.utf8.map { "\\x" + (String($0, radix: 16).count < 2 ? "0" : "") + String($0, radix: 16) }
        return pick([
            word, "\"\(word)\"", "\"\(escaped)\"", "'\(word)'", "'\(word.replacing("'", with: "\\'"))'",
            "\"\(hexadecimal.joined())\"", "x\"\(escaped)\"", "\"\(escaped)\"x", "\"\(escaped)\"'y'",
            "\"\(escaped)\"\u{B}",
            "\"\(word)", "'\(word)", "\"\(escaped)\"\"\"",
        ])
    }
}

/// Boots the server on one line, and asks `check` about the same line in an included file, where nothing replaces it.
private struct LineJudge {
    private let server: RedisServer
    private let program: String
    private let scratch: Scratch
    private(set) var findings: [String] = []
    private(set) var taken = 0

    init(server: RedisServer, program: String) throws {
        self.server = server
        self.program = program
        scratch = try Scratch()
        try scratch.program(server.name, server.path)
        scratch.makeFolder("data")
        try scratch.write("w/main.conf", "include line.conf\n".utf8)
    }

    mutating func compare(_ shape: (line: String, text: String?)) throws {
        try scratch.write("w/line.conf", (shape.line + "\n").utf8)
        let boot = try Boot.configuration(
            of: server, file: "line.conf", in: scratch, folder: "w", overrides: ["--save", ""], password: nil)
        let check = try spawn()
        let ending = check.ended()
        let label = "\(server.testDescription), \(shape.line.debugDescription)"
        switch boot {
        case .ends(let log):
            if ending != .exited(78) { findings.append("\(label): \(ending), and the server ends: \(log.suffix(200))") }
        case .answers(let values):
            taken += 1
            if ending != .exited(0) { findings.append("\(label): \(ending), and the server starts: \(check.output)") }
            guard let name = shape.text else { return }
            let quotes: QuoteRule = server.isValkey && server.has(9, 0) ? .joinsText : .endsToken
            let tokens = try splitArguments(Array(shape.line.utf8), quotes: quotes).map(\.bytes)
            if values[name] != tokens.last {
                findings.append("\(label): read as \(tokens), and in effect is \(values[name] ?? [])")
            }
        }
    }

    private func spawn() throws -> Spawned {
        var environment = [
            "PATH": "\(scratch["bin"]):/usr/bin:/bin", "REDIS_DATA_DIR": scratch["data"], "SKIP_DROP_PRIVS": "1",
            "REDIS_REPLICATION_MODE": "standalone", "ALLOW_EMPTY_PASSWORD": "yes",
        ]
        if !server.isRedict { environment[server.variable.name] = server.variable.value }
        return try Spawned(
            program, ["check", "main.conf"], environment: environment, in: scratch["w"], log: scratch["check.log"])
    }
}
