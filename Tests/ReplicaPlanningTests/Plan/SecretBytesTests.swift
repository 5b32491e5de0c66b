import RedisConf
import ReplicaPlanning
import Testing

@Suite("A secret has the same bytes as a variable and as a file")
struct SecretBytesTests {
    private static let host = ["REDIS_MASTER_SERVICE_HOST": "10.0.0.5"]

    private func password(_ environment: [String: String], _ files: [String: String] = [:]) -> [[UInt8]]? {
        let plan = try? Start(environment: Self.host.merging(environment) { $1 }, files: files).plan()
        return plan?.decisions.first { $0.directive == "requirepass" }?.arguments
    }

    @Test(arguments: [
        ("p\n", "p"), ("p\r\n", "p"), ("p", "p"), ("p\n\n", "p\n"), (" p ", " p "), ("p\r", "p\r"),
        ("\u{FEFF}p", "\u{FEFF}p"),
        ("a\nb\n", "a\nb"),
    ])
    func `one newline at the end is not a part of it`(text: String, value: String) {
        #expect(password(["REDIS_PASSWORD": text]) == [bytes(value)])
        #expect(password(["REDIS_PASSWORD_FILE": "/s"], ["/s": text]) == [bytes(value)])
        #expect(password(["VALKEY_PASSWORD_FILE": "/s"], ["/s": text]) == [bytes(value)])
        // The two together agree.
        #expect(
            password(["REDIS_PASSWORD": value, "REDIS_PASSWORD_FILE": "/s"], ["/s": text]) != nil
                || value.hasSuffix("\n"))
    }

    @Test func `a mark or a line break within gives a warning, a newline alone is refused`() {
        func problems(_ text: String) -> [[Problem]] {
            [["REDIS_PASSWORD": text], ["REDIS_PASSWORD_FILE": "/s"]].map { environment in
                Start(environment: Self.host.merging(environment) { $1 }, files: ["/s": text]).diagnostics()
                    .filter { $0.severity > .note && $0.origin != nil }.map(\.problem)
            }
        }
        #expect(problems("\u{FEFF}p") == [[.secretWithMark], [.secretWithMark]])
        #expect(problems("a\nb") == [[.secretWithNewline], [.secretWithNewline]])
        #expect(problems("p\n\n") == [[.secretWithNewline], [.secretWithNewline]])
        #expect(problems("\n") == [[.secretEmpty], [.secretEmpty]])
        #expect(problems("p\n") == [[], []])
    }
}

@Suite("A server knows itself in every spelling")
struct OwnAddressTests {
    @Test(arguments: [
        ("REDIS-0", true), ("redis-0.", true), ("Redis-0.Redis-Nodes.", true), ("::ffff:10.1.2.3", true),
        ("::FFFF:0a01:0203", true),
        ("10.1.2.3", true), ("FD00::0009", true), ("[fd00:0:0:0:0:0:0:9]", true), ("fd00::9", true),
        ("LOCALHOST.", true),
        ("::ffff:127.0.0.1", true), ("0:0:0:0:0:0:0:1", true), ("0.0.0.0", true), ("::", true), ("POD-1", true),
        ("announced.example.", true), ("redis-01", false), ("10.1.2.4", false), ("fd00::a", false),
        ("fd00::9:0", false),
    ])
    func `itself`(host: String, isItself: Bool) {
        for address in ["10.1.2.3", "fd00::9"] where isItself || true {
            var start = Start(environment: ["REDIS_MASTER_HOST": host, "POD_IP": address, "POD_NAME": "redis-0"])
            if host.contains("announced") { start.environment["REDIS_REPLICA_IP"] = "ANNOUNCED.example" }
            let problems = start.diagnostics().map(\.problem)
            let found = problems.contains { if case .replicatesItself = $0 { true } else { false } }
            let isOther =
                host.contains("10.1.2.3") || host.contains("0a01")
                ? address != "10.1.2.3"
                : host.lowercased().contains("fd00") ? address != "fd00::9" : false
            #expect(found == (isItself && !isOther), "\(host) \(address)")
        }
    }
}

@Suite("TLS that reaches half of what it should")
struct TLSTrapTests {
    private func problems(_ file: String, _ environment: [String: String] = [:]) -> [Diagnostic] {
        Start(
            file: file,
            environment: ["REDIS_MASTER_SERVICE_HOST": "10.0.0.5"].merging(environment) { $1 },
            files: ["/c": "", "/k": "", "/a": ""]
        ).diagnostics()
    }

    @Test("by the file alone, without tls-replication, it is reported")
    func replication() {
        let alone = problems("port 0\ntls-port 6379\nunixsocket /s\n")
        #expect(alone.contains { $0.problem == .replicatesInTheClear && $0.severity == .warning })
        #expect(problems("tls-port 6380\n").contains { $0.problem == .replicatesInTheClear && $0.severity == .note })
        for said in ["yes", "no"] {
            let problems = problems("port 0\ntls-port 6379\nunixsocket /s\ntls-replication \(said)\n")
            #expect(!problems.contains { $0.problem == .replicatesInTheClear })
        }
    }

    @Test("a TLS port of its own, and none for the master, is reported")
    func port() {
        let tls = [
            "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CERT_FILE": "/c", "REDIS_TLS_KEY_FILE": "/k",
            "REDIS_TLS_CA_FILE": "/a",
        ]
        func has(_ more: [String: String]) -> Bool {
            problems("", tls.merging(more) { $1 }).contains { $0.problem == .masterPortAssumed(own: 6380) }
        }
        #expect(has(["REDIS_TLS_PORT_NUMBER": "6380"]))
        #expect(!has(["REDIS_TLS_PORT_NUMBER": "6380", "REDIS_MASTER_PORT_NUMBER": "6379"]))
        #expect(!has([:]))
    }
}
