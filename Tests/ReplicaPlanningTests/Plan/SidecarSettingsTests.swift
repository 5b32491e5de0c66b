import RedisCore
import ReplicaPlanning
import Testing

@Suite("What the sidecar reads of the environment and the file")
struct SidecarSettingsTests {
    private func target(
        _ environment: [String: String], file: String = "", files: [String: String] = [:]
    ) throws -> SidecarTarget {
        var table = files.mapValues(bytes)
        table["/etc/redis/redis.conf"] = bytes(file)
        return try SidecarTarget(
            environment: Environment(entries: environment.map { bytes($0.key + "=" + $0.value) }),
            identity: Identity(userID: 999, groupID: 999, hostname: bytes("pod-1"), workingFolder: bytes("/")),
            files: TableFiles(table: table))
    }

    private let kubernetes = ["KUBERNETES_SERVICE_HOST": "10.96.0.1"]

    @Test("where all masters are listed, by itself only in Kubernetes and beside the Service of the master")
    func masterNodes() throws {
        let preset = [MasterAddress(host: "redis-master-nodes", port: 6379)]
        func nodes(_ environment: [String: String], inKubernetes: Bool = true) throws -> [MasterAddress] {
            try target(environment.merging(inKubernetes ? kubernetes : [:]) { $1 }).masterNodes
        }
        #expect(try nodes(["REDIS_MASTER_SERVICE_HOST": "10.96.0.7"]) == preset)
        #expect(try nodes(["GET_HOSTS_FROM": "dns"]) == preset)
        #expect(try nodes(["REDIS_MASTER_HOST": "redis-master.data.svc"]) == preset)
        #expect(try nodes(["REDIS_MASTER_HOST": "cache.example.org"]).isEmpty)
        #expect(try nodes(["GET_HOSTS_FROM": "dns"], inKubernetes: false).isEmpty)
        #expect(
            try nodes(
                ["REDIS_MASTER_HOST": "m", "REDIS_MASTER_NODES_HOST": "a, b:6380,[fd00::1]:1"], inKubernetes: false)
                == [.init(host: "a", port: 6379), .init(host: "b", port: 6380), .init(host: "fd00::1", port: 1)])
        #expect(
            try nodes(["REDIS_MASTER_HOST": "m", "REDIS_MASTER_PORT_NUMBER": "7000", "REDIS_MASTER_NODES_HOST": "a"])
                == [.init(host: "a", port: 7000)])
        #expect(throws: PlanError.self) { try nodes(["REDIS_MASTER_HOST": "m", "REDIS_MASTER_NODES_HOST": "a:b"]) }
    }

    @Test("the certificate that is shown to the master, of the file and of the environment")
    func clientCertificate() throws {
        let files = [
            "/tls/tls.crt": "x", "/tls/tls.key": "x", "/tls/ca.crt": "x", "/tls/client.crt": "x",
            "/tls/client.key": "x",
        ]
        var environment = [
            "REDIS_MASTER_HOST": "m", "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CERT_FILE": "/tls/tls.crt",
            "REDIS_TLS_KEY_FILE": "/tls/tls.key", "REDIS_TLS_CA_FILE": "/tls/ca.crt",
        ]
        #expect(try target(environment, files: files).tls?.clientCertificate == nil)
        let file = "tls-client-cert-file /tls/client.crt\ntls-client-key-file /tls/client.key\n"
        for (name, text) in [("file", file), ("environment", "")] {
            if text.isEmpty {
                environment["REDIS_TLS_CLIENT_CERT_FILE"] = "/tls/client.crt"
                environment["REDIS_TLS_CLIENT_KEY_FILE"] = "/tls/client.key"
                environment["REDIS_TLS_CLIENT_KEY_FILE_PASS"] = "s3cret"
            }
            let tls = try #require(try target(environment, file: text, files: files).tls)
            #expect(tls.clientCertificate == bytes("/tls/client.crt"), "\(name)")
            #expect(tls.clientKey == bytes("/tls/client.key") && tls.certificate == bytes("/tls/tls.crt"), "\(name)")
            #expect(tls.clientKeyPassphrase == (text.isEmpty ? bytes("s3cret") : nil), "\(name)")
        }
        var start = Start(files: files)
        start.environment.merge(environment) { $1 }
        let lines = try start.plan().lines
        #expect(lines.contains("tls-client-cert-file /tls/client.crt"))
        #expect(lines.contains("tls-client-key-file /tls/client.key"))
        #expect(lines.contains("tls-client-key-file-pass s3cret"))
        start.environment["REDIS_TLS_CLIENT_KEY_FILE"] = nil
        #expect(start.diagnostics().contains { $0.problem == .variableMissing("REDIS_TLS_CLIENT_KEY_FILE") })
    }

    @Test(
        "a command that has another name is reported by check, and by a start",
        arguments: ["REPLICAOF", "replicaof", "ROLE", "INFO", "CONFIG", "CLIENT", "MULTI", "PSYNC", "SYNC", "DBSIZE"])
    func renamed(name: String) {
        for other in ["\"\"", "moved"] {
            let start = Start(file: "rename-command \(name) \(other)\n")
            let found = start.diagnostics().filter { $0.problem == .commandRenamed(name.uppercased()) }
            #expect(found.map(\.severity) == [.warning])
            #expect("\(found)".contains("rename-command") && "\(found)".contains("redis.conf"), "\(found)")
        }
        let included = Start(
            file: "include /etc/redis/more.conf\n", files: ["/etc/redis/more.conf": "rename-command \(name) x\n"])
        #expect(included.diagnostics().contains { $0.problem == .commandRenamed(name.uppercased()) })
    }

    @Test("others may have other names, and each its own")
    func notRenamed() {
        for line in ["rename-command KEYS \"\"", "rename-command FLUSHALL x", "rename-command ROLE ROLE"] {
            #expect(
                !Start(file: line).diagnostics().contains {
                    if case .commandRenamed = $0.problem { true } else { false }
                })
        }
    }

    @Test("a placeholder master is distinguished from a server by its error")
    func placeholder() {
        var handshake = ReplicaHandshake(continuingAt: .init(replicationID: "x", offset: 1))
        for command in ["ROLE", "INFO", "DBSIZE"] {
            let answer = handshake.take(bytes("*1\r\n$\(command.utf8.count)\r\n\(command)\r\n"))
            #expect(text(answer).hasPrefix("-" + PlaceholderMaster.loading), "\(text(answer))")
        }
    }

    @Test(
        "with any bytes in the record, a start and a sidecar go on",
        arguments: ["", " ", "   \n \n", "\r", "\t", "replicaof", "replicaof \n", "term", "\u{85}", "# x\n \n"])
    func oddRecord(record: String) throws {
        let start = Start(files: ["/run/redis/master-record": record])
        #expect(try start.plan().lines.contains("replicaof 10.0.0.5 6379"))
        #expect(start.diagnostics().contains { $0.problem == .recordUnusable && $0.severity == .warning })
    }
}
