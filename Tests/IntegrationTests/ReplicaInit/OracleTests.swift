import LocalTopology
import SystemPackage
import Testing

@Suite("The server agrees with the init")
struct OracleTests {
    @Test("what was not meant to change is in effect as before", arguments: RedisServer.paths)
    func sameConfiguration(path: String) async throws {
        let server = try RedisServer(path)
        let program = try Programs.built("redis-replica-init").string
        let configurations = try OracleConfiguration.stock(RedisServer.stockFiles) + OracleConfiguration.handmade
        #expect(configurations.count >= 80)
        let report = try await Background.run {
            var oracle = try Oracle(server: server, program: program)
            for configuration in configurations { try oracle.judge(configuration) }
            return (oracle.findings, oracle.compared)
        }
        #expect(report.0.isEmpty, "\(report.0.joined(separator: "\n"))")
        // Most of them boot: what is fatal for a version alone would prove little.
        #expect(report.1 >= 130, "compared \(report.1)")
    }
}

/// Boots one server on configurations before and after the init, and collects what is not as expected.
private struct Oracle {
    private let server: RedisServer
    private let program: String
    private let scratch: Scratch
    private(set) var findings: [String] = []
    /// How many rewritten files a server was booted on and compared.
    private(set) var compared = 0

    private enum Role: String, CaseIterable { case replica, master }

    init(server: RedisServer, program: String) throws {
        self.server = server
        self.program = program
        scratch = try Scratch()
        try scratch.program(server.name, "/bin/true")
        scratch.makeFolder("data")
        scratch.makeFolder("lib")
    }

    mutating func judge(_ configuration: OracleConfiguration) throws {
        let original = try text(of: configuration, forServer: true)
        for (name, content) in configuration.files { try scratch.write("w/\(name)", content.utf8) }
        try scratch.write("w/redis.conf", original)
        let before = try boot(configuration, overrides: Self.foreground)
        for role in Role.allCases {
            func find(_ what: String) {
                findings.append("\(server.testDescription), \(configuration.name), \(role): \(what)")
            }
            try scratch.write("w/redis.conf", try text(of: configuration, forServer: false))
            let first = try rewrite(as: role)
            guard first.ending == .exited(0) else {
                if case .answers = before, configuration.expectation == .same { find("refused: \(first.output)") }
                if first.ending != .exited(78) { find("\(first.ending): \(first.output)") }
                continue
            }
            if configuration.expectation == .refused, case .answers = before { find("not refused") }
            let rewritten = try scratch.read("w/redis.conf")
            if try rewrite(as: role).ending != .exited(0) { find("a second run fails") }
            if try scratch.read("w/redis.conf") != rewritten { find("a second run changes the file") }
            switch (before, try boot(configuration, overrides: [])) {
            case (.ends, .ends): break
            case (.ends, .answers): if configuration.expectation != .cured { find("fatal before, not after") }
            case (.answers, .ends(let log)): find("fatal after: \(log.suffix(300))")
            case (.answers(let before), .answers(let after)):
                compared += 1
                for difference in differences(before, after, role, configuration) { find(difference) }
            }
        }
        for name in configuration.files.keys { try scratch.write("w/\(name)", []) }
    }

    /// What the original needs to be booted in a test; the rewritten file has to bring it itself.
    private static let foreground = ["--daemonize", "no", "--supervised", "no", "--logfile", "", "--pidfile", ""]

    /// A distribution's folders are not there for every server: the original gets others, the init has to see them.
    private func text(of configuration: OracleConfiguration, forServer: Bool) throws -> [UInt8] {
        guard configuration.main.count < 1_000_000 else { return configuration.main }
        var text = String(decoding: configuration.main, as: UTF8.self)
        text = text.replacing("{folder}", with: scratch["w"])
        if forServer {
            // 6.x tries the log file's folder before the arguments count. An empty one: what others leave in /tmp is read.
            for folder in ["/var/lib/redis", "/var/lib/valkey", "/var/log/redis", "/var/log/valkey"] {
                text = text.replacing(folder, with: scratch["lib"])
            }
        }
        return Array(text.utf8)
    }

    private func boot(_ configuration: OracleConfiguration, overrides: [String]) throws -> Boot {
        try Boot.configuration(
            of: server, file: "redis.conf", in: scratch, folder: "w", overrides: overrides,
            password: configuration.password.map { Array($0.utf8) })
    }

    private func rewrite(as role: Role) throws -> (ending: Spawned.Ending, output: String) {
        var environment = [
            "PATH": scratch["bin"], "REDIS_DATA_DIR": scratch["data"], "SKIP_DROP_PRIVS": "1",
            "POD_IP": "198.51.100.7", "REDIS_REPLICA_PORT": "7777", "REDIS_REPLICATION_MODE": role.rawValue,
            server.variable.name: server.variable.value,
        ]
        if role == .replica { environment["REDIS_MASTER_SERVICE_HOST"] = "198.51.100.9" }
        let process = try Spawned(
            program, ["redis.conf"], environment: environment, in: scratch["w"], log: scratch["init.log"])
        return (process.ended(), process.output)
    }

    /// What differs from what was meant, in words.
    private func differences(
        _ before: [String: [UInt8]], _ after: [String: [UInt8]], _ role: Role, _ configuration: OracleConfiguration
    ) -> [String] {
        var expected = before
        func expect(_ names: [String], _ value: String) {
            for name in names where before[name] != nil { expected[name] = Array(value.utf8) }
        }
        expect(["bind"], server.has(6, 2) ? "* -::*" : "0.0.0.0 ::")
        expect(["replicaof", "slaveof"], role == .replica ? "198.51.100.9 6379" : "")
        expect(["replica-announce-ip", "slave-announce-ip"], "198.51.100.7")
        expect(["replica-announce-port", "slave-announce-port"], "7777")
        expect(["dir"], scratch["data"])
        if configuration.password == nil, !configuration.main.starts(with: "aclfile".utf8) {
            expect(["protected-mode"], "no")
        }
        let isAppendOnly = before["appendonly"] == Array("yes".utf8)
        if role == .replica, !isAppendOnly, before["shutdown-on-sigterm"] == Array("default".utf8) {
            expect(["shutdown-on-sigterm"], "save")
        }
        return Set(expected.keys).union(after.keys).sorted().compactMap { name in
            guard expected[name] != after[name] else { return nil }
            func shown(_ value: [UInt8]?) -> String {
                value.map { String(decoding: $0.prefix(200), as: UTF8.self) } ?? "–"
            }
            return "\(name) is \(shown(after[name])) instead of \(shown(expected[name]))"
        }
    }
}
