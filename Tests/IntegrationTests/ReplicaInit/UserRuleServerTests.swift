import Glibc
import Hiredis
import ReplicaPlanning
import SeededRandomness
import Testing

@Suite("The rules of a user are taken and refused as by the server")
struct UserRuleServerTests {
    /// How many users are tried on each server; more by `LINE_SHAPES`, for a long run.
    private static let count = getenv("LINE_SHAPES").flatMap { Int(String(cString: $0)) }.map { $0 * 20 } ?? 1500

    @Test(arguments: RedisServer.paths)
    func `by ACL SETUSER, which reads them as a start does`(path: String) async throws {
        let server = try RedisServer(path)
        let column = try #require(Self.column(of: server))
        let (findings, taken) = try await Background.run {
            let scratch = try Scratch()
            try scratch.write("w/redis.conf", [])
            var findings: [String] = []
            var taken = 0
            var shapes = RuleShapes(random: SplitMix64(seed: 30))
            _ = try Boot.configuration(
                of: server, file: "redis.conf", in: scratch, folder: "w", overrides: ["--save", ""], password: nil
            ) { connection in
                for _ in 0..<Self.count {
                    let rules = shapes.next()
                    _ = try connection.command("ACL", "DELUSER", "t")
                    let reply = try connection.command((["ACL", "SETUSER", "t"] + rules).map { Array($0.utf8) })
                    let fault = AccessRules.fault(
                        rules.map { Array($0.utf8) }, column: column, purpose: .starting,
                        channelsAreOpen: column == .redis62)
                    let refusal = reply.errorText
                    if refusal == nil { taken += 1 }
                    let isUnknown = refusal?.contains("Unknown command or category") ?? false
                    if (refusal == nil) != (fault == nil) || (fault.map { $0.isUnknownCommand != isUnknown } ?? false) {
                        findings.append(
                            "\(server.testDescription), \(rules): \(refusal ?? "taken"), not \(fault as Any)")
                    }
                }
            }
            return (findings, taken)
        }
        #expect(findings.isEmpty, "\(findings.prefix(20).joined(separator: "\n"))")
        #expect(taken >= Self.count / 10 && taken <= Self.count * 9 / 10, "taken \(taken)")
    }

    private static func column(of server: RedisServer) -> ServerColumn? {
        ServerRelease(versionOutput: Array("\(server.product) server v=\(server.major).\(server.minor).0".utf8))?
            .columns.last
    }
}

/// Rules of every kind, several for a user.
private struct RuleShapes {
    var random: SplitMix64

    private static let words = [
        "on", "OFF", "nopass", "resetpass", "reset", "allkeys", "resetkeys", "~*", "~a", "~", "~a b", "allchannels",
        "resetchannels", "&*", "&a", "&", "allcommands", "nocommands", "+@all", "-@all", "+@READ", "-@write",
        "+@nosuch", "sanitize-payload", "skip-sanitize-payload", "clearselectors", "%R~a", "%RW~a", "%W~*", "%~a",
        "%RR~a", "%a", ">x", ">y", "<x", "<y", "#", "!x", "", "x", "onn", "alldbs", "resetdbs", "db=0", "db=1,2", "db=",
        "db=x", "DB=3,", "(+get ~a)", "(+get", "~b)", "()", "(on)", "(~* ~a)", "(+config|set)", "(-config|nosuch)",
        "(+get \"~a\")", "(+get 'a)", "((+get))", "(%R~a &b)", "(", ")", "+", "-", "+@", "+|", "-|x", "+get|",
        "+get|x|y",
        "#2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "!2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "#2D711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    ]
    private static let commands = [
        "get", "SET", "config", "config|set", "config|GET", "config|nosuch", "config|get|x", "config|", "debug",
        "debug|sleep", "cluster|slot-stats", "client|no-touch", "client|kill", "select|0", "select", "nosuch",
        "nosuch|x", "acl|whoami", "acl|dryrun", "memory|usage", "xgroup|help", "function|load", "script|flush",
        "pubsub|shardchannels", "latency|histogram", "command|docs", "command|list", "hexpire", "expiretime", "waitaof",
        "commandlog|get", "client|capa", "slowlog|get",
    ]

    mutating func next() -> [String] {
        (0..<Int.random(in: 1...4, using: &random)).map { _ in
            guard Int.random(in: 0..<2, using: &random) == 0 else { return pick(Self.words) }
            return pick(["+", "+", "-"]) + pick(Self.commands)
        }
    }

    private mutating func pick(_ words: [String]) -> String { words[Int.random(in: 0..<words.count, using: &random)] }
}
