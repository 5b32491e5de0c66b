import RedisCore
import Testing

@Suite("The settings of Sentinel are read strictly")
struct SentinelSettingsTests {
    private func settings(_ hosts: String?, port: String? = nil, name: String? = nil) throws -> SentinelSettings? {
        try SentinelSettings(hosts: hosts, port: port, masterName: name)
    }

    private static let lists: [(String, [MasterAddress])] = [
        ("redis-sentinel", [.init(host: "redis-sentinel", port: 26379)]),
        (
            "a:1,b,10.0.0.1:65535",
            [.init(host: "a", port: 1), .init(host: "b", port: 26379), .init(host: "10.0.0.1", port: 65535)]
        ),
        ("[::1]:5, [fd00::2]", [.init(host: "::1", port: 5), .init(host: "fd00::2", port: 26379)]),
        ("a, A:26379 ,a:26380", [.init(host: "a", port: 26379), .init(host: "a", port: 26380)]),
    ]

    @Test("a list of hosts, with and without ports, each Sentinel once", arguments: lists)
    func list(hosts: String, expected: [MasterAddress]) throws {
        #expect(try settings(hosts)?.sentinels == expected)
    }

    @Test("without a host Sentinel is not followed; empty is the same as unset")
    func none() throws {
        #expect(try settings(nil) == nil)
        #expect(try settings("") == nil)
        #expect(try settings("", port: "", name: "") == nil)
        #expect(try settings("a", port: "", name: "")?.masterName == "mymaster")
        #expect(try settings("a", port: "5")?.sentinels == [.init(host: "a", port: 5)])
        #expect(try settings("a", name: "my-master.1")?.masterName == "my-master.1")
    }

    private static let wrong: [(String, String?, String?, SentinelSettingsFault)] = [
        ("a,,b", nil, nil, .notASentinel("")), (" ", nil, nil, .notASentinel("")), ("a,", nil, nil, .notASentinel("")),
        ("tcp://10.0.0.1:26379", nil, nil, .notASentinel("tcp://10.0.0.1:26379")),
        ("a:0", nil, nil, .notASentinel("a:0")), ("a:65536", nil, nil, .notASentinel("a:65536")),
        ("a:", nil, nil, .notASentinel("a:")), ("a:+5", nil, nil, .notASentinel("a:+5")),
        (":26379", nil, nil, .notASentinel(":26379")), ("a b", nil, nil, .notASentinel("a b")),
        ("a;b", nil, nil, .notASentinel("a;b")), ("[a]:5", nil, nil, .notASentinel("[a]:5")),
        ("[::1]5", nil, nil, .notASentinel("[::1]5")), ("[::1", nil, nil, .notASentinel("[::1")),
        ("fd00::2", nil, nil, .noBrackets("fd00::2")), ("fd00::2:26379", nil, nil, .noBrackets("fd00::2:26379")),
        ("a", "tcp://10.0.0.1:26379", nil, .notAPort("tcp://10.0.0.1:26379")), ("a", "0", nil, .notAPort("0")),
        ("a", "99999", nil, .notAPort("99999")), ("a", "99999999999999999999", nil, .notAPort("99999999999999999999")),
        ("a", nil, "my master", .notAMasterName("my master")), ("a", nil, "a\nb", .notAMasterName("a\nb")),
        ("a", nil, "\"a\"", .notAMasterName("\"a\"")),
    ]

    @Test("what is wrong is named with its variable and a cure", arguments: wrong)
    func fault(hosts: String, port: String?, name: String?, expected: SentinelSettingsFault) throws {
        let fault = #expect(throws: SentinelSettingsFault.self) {
            _ = try SentinelSettings(hosts: hosts, port: port, masterName: name)
        }
        #expect(fault == expected)
        #expect("\(expected)".hasPrefix("REDIS_SENTINEL_"))
        #expect("\(expected)".utf8.allSatisfy { 0x20...0x7E ~= $0 })
    }

    @Test("at most sixteen Sentinels, and a login in a URL is never shown")
    func bounds() throws {
        let many = (1...17).map { "s\($0)" }
        #expect(throws: SentinelSettingsFault.tooMany(17)) { try settings(many.joined(separator: ",")) }
        #expect(try settings(many.dropLast().joined(separator: ","))?.sentinels.count == 16)
        let fault = #expect(throws: SentinelSettingsFault.self) { try settings("redis://:s3cr3t@host:1") }
        #expect(fault.map { "\($0)".contains("s3cr3t") } == false)
    }
}
