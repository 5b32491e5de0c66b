import Glibc
import LocalTopology
import SeededRandomness
import Testing

@Suite("No secret is printed, by the init or by the server that it starts")
struct PrintedSecretTests {
    /// Where a line stands.
    private enum Place: CaseIterable { case main, included, arguments, aclFile }

    private static let marker = "MARKER77"

    @Test("misspelled lines with a secret in every place", arguments: RedisServer.paths)
    func misspelled(path: String) async throws {
        let server = try RedisServer(path)
        let (printed, started, control) = try await Background.run {
            var run = try LeakRun(server)
            var randomness = SplitMix64(seed: UInt64(server.major * 10 + server.minor))
            var shapes = Self.shapes.shuffled(using: &randomness).prefix(120).map { $0 }
            shapes += Self.known + Self.foreign
            for (index, line) in shapes.enumerated() {
                let any = Place.allCases.randomElement(using: &randomness)!
                for place in index < 120 ? [any] : index < 120 + Self.known.count ? Place.allCases : [.main, any] {
                    switch place {
                    case .main: try run.start(main: line)
                    case .included: try run.start(main: "include \(run.scratch["more.conf"])", included: line)
                    case .aclFile: try run.start(main: "aclfile \(run.scratch["users.acl"])", aclFile: line)
                    case .arguments:
                        var words = line.split(whereSeparator: { " \t\r\n".contains($0) }).map(String.init)
                        words[0] = "--" + words[0]
                        try run.start(main: "maxmemory 1gb", arguments: words)
                    }
                }
            }
            for line in Self.known + Self.foreign where !line.contains("\n") { try run.show(line) }
            return (run.printed, run.started, try run.printsAlone("requirepass: \(Self.marker)"))
        }
        #expect(printed.isEmpty, "\(printed.joined(separator: "\n"))")
        // What is right starts, so that not all is simply refused; and the server alone prints such a line.
        #expect(started >= 10, "\(started)")
        #expect(control)
    }

    /// Each separator with each directive, spelled in each way, in each kind of quotes.
    private static let shapes: [String] = {
        let names = [
            "requirepass", "masterauth", "primaryauth", "tls-key-file-pass", "tls-client-key-file-pass",
            "user bob on >",
            "sentinel auth-pass m", "masteruser app",
        ]
        let spellings: [(String) -> String] = [
            { $0 }, { $0.uppercased() }, { String($0.dropLast()) }, { $0.replacing("a", with: "a-") }, { "\"\($0)\"" },
            { $0 + "s" }, { "-" + $0 }, { "x " + $0 }, { String($0.dropFirst()) },
        ]
        let separators = [" ", ": ", ":", "=", " = ", "\t", "", "\u{B}", "\r"]
        let values: [(String) -> String] = [
            { $0 }, { "\"\($0)\"" }, { "'\($0)'" }, { "\"\($0)" }, { "'\($0)" }, { "\"\($0)\"x" }, { "\($0) more" },
            { "\($0) # mine" }, { "\"a \($0)\"" }, { "\($0)\\" }, { "x\"\($0)\"" },
        ]
        return names.flatMap { name in
            spellings.flatMap { spelling in
                separators.flatMap { separator in
                    values.map { spelling(name) + separator + $0(marker) }
                }
            }
        }
    }()

    private static let known = [
        "requirepass MARKER77", "requirepass: MARKER77", "requirepass=MARKER77", "\"requirepass\"MARKER77",
        "require-pass MARKER77", "user bob on >MARKER77", "user bob on >MARKER77 bogus", "user bob on MARKER77",
        "user bob on >MARKER77 +foo", "user default on >MARKER77 allkeys ~a", "primaryauth MARKER77",
        "masterauth MARKER77 x", "masterauth \"MARKER77", "tls-key-file-pass MARKER77",
        "maxmemory 1gb requirepass MARKER77",
        "password MARKER77", "users bob on >MARKER77", "sentinel auth-pass m MARKER77", "masteruser app MARKER77",
        "rename-command CONFIG MARKER77 x",
    ]

    /// Lines of other files, and of what no server knows.
    private static let foreign = [
        "export REDIS_PASSWORD=MARKER77", "export API=MARKER77", "key MARKER77",
        "apikey MARKER77", "api-key=MARKER77", "api_key: MARKER77", "auth MARKER77", "pass: MARKER77",
        "- MARKER77", "value: MARKER77", "- name: REDIS_PASSWORD", "REDISCLI_AUTH=MARKER77", "MARKER77", "foo MARKER77",
        "set REDIS_PASSWORD MARKER77", "config set requirepass MARKER77", "redis-cli -a MARKER77",
        "replicaof redis://:MARKER77@h:1", "url redis://:MARKER77@h:1", "redis://:MARKER77@h:1",
        "{\"password\": \"MARKER77\"}", "\"password\":\"MARKER77\"", "'password' : 'MARKER77'",
        "password => MARKER77", "$PASSWORD MARKER77", "<password>MARKER77</password>", "[MARKER77]",
        "rename-command CONFG MARKER77", "rename-command CONFIG MARKER77\nrename-command CONFIG MARKER77",
        "rename-command GET MARKER77\nrename-command SET MARKER77", "loadmodule /none.so PASSWORD MARKER77",
        "save 900 1 requirepass MARKER77", "bind 127.0.0.1 requirepass MARKER77", "m.password MARKER77",
        "search-password MARKER77",
    ]
}

/// Starts of the init with a real server, a line each.
private struct LeakRun {
    let server: RedisServer
    let scratch: Scratch
    private(set) var printed: [String] = []
    private(set) var started = 0
    private var run: InitRun

    init(_ server: RedisServer) throws {
        self.server = server
        run = try InitRun(server: server.path)
        try run.scratch.program(server.name, server.path)
        scratch = run.scratch
        run.environment["REDIS_PORT_NUMBER"] = nil
        run.environment["REDIS_REPLICATION_MODE"] = "master"
        run.environment[server.variable.name] = server.variable.value
    }

    mutating func start(main: String, included: String = "", aclFile: String = "", arguments: [String] = []) throws {
        let rest = "\nport 0\nunixsocket \(scratch["data/s.sock"])\nsave \"\"\n"
        try scratch.write("etc/redis.conf", (main + rest).utf8)
        try scratch.write("more.conf", (included + "\n").utf8)
        try scratch.write("users.acl", (aclFile + "\n").utf8)
        let process = try run.start([scratch["etc/redis.conf"], "--"] + arguments)
        let isOver = Deadline.wait(20) {
            process.endingIfOver() != nil ? true : process.output.contains("eady to accept connections") ? false : nil
        }
        if isOver == false {
            process.kill()
            started += 1
        }
        let output = process.output
        if isOver == nil || output.contains("MARKER77") {
            printed.append(
                "\(server.testDescription): \(main) | \(included) | \(aclFile) | \(arguments): \(output.suffix(400))")
        }
    }

    /// What `check` and `render` print of a line.
    mutating func show(_ line: String) throws {
        try scratch.write("etc/redis.conf", (line + "\n").utf8)
        for verb in ["check", "render"] {
            let process = try run.start([verb, scratch["etc/redis.conf"]])
            if process.ended() == .timedOut || process.output.contains("MARKER77") {
                printed.append("\(server.testDescription): \(verb) \(line): \(process.output.suffix(400))")
            }
        }
    }

    /// Whether the server prints it without the init: else this test would prove nothing.
    func printsAlone(_ line: String) throws -> Bool {
        try scratch.write("alone.conf", (line + "\n").utf8)
        let process = try Spawned(server.path, [scratch["alone.conf"]], in: scratch.path, log: scratch["alone"])
        return process.ended() == .exited(1) && process.output.contains("MARKER77")
    }
}
