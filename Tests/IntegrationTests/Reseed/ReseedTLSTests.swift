import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("A master whose servers speak TLS and nothing else")
struct ReseedTLSTests {
    private static func certificates() throws -> Certificates {
        let certificates = try Certificates()
        for name in ["master", "replica"] { try certificates.sign(name, for: "DNS:redis-node,IP:127.0.0.1") }
        return certificates
    }

    private static func options(_ certificates: Certificates, clients: String = "yes") -> ReseedScene.Options {
        var options = ReseedScene.Options()
        options.tls = .init(certificates: certificates, clients: clients)
        return options
    }

    @Test("gets its data back, whether a certificate is asked for or not, on every version with TLS")
    func comesHome() async throws {
        let certificates = try Self.certificates()
        let kinds = [("yes", [String]()), ("optional", ["--appendonly", "yes"]), ("no", [])]
        try await withThrowingTaskGroup { group in
            for (index, path) in try RedisServer.pathsWithTLS.enumerated() {
                let (clients, arguments) = kinds[index % kinds.count]
                group.addTask {
                    var options = Self.options(certificates, clients: clients)
                    options.password = "s3cret"
                    let environment = ["REDIS_TLS_AUTH_CLIENTS": clients == "no" ? "no" : "yes"]
                    let life = ReseedScene.Life(environment: environment, arguments: arguments)
                    try await withReseedScene(path, options, life) { scene in
                        try await scene.withMaster(life) { master in
                            try await scene.expectHome(master)
                            let log = try await master.log(of: "master")
                            #expect(log.contains("reseed: the data is restored") && !log.contains("s3cret"), "\(log)")
                            try await scene.fill(master, from: 1001, to: 1001)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(
        "reads its files as redis-server does: a client's certificate of its own, an encrypted key, a folder of authorities"
    )
    func files() async throws {
        let certificates = try Self.certificates()
        let folder = certificates.folder
        try certificates.sign("server-only", for: "IP:127.0.0.1", usage: "serverAuth")
        try certificates.sign("client-only", for: "IP:127.0.0.1", usage: "clientAuth")
        for name in ["server-only", "client-only"] {
            try certificates.openssl(
                "pkcs8", "-topk8", "-in", certificates.key(name), "-passout", "pass:p4ss", "-out",
                folder["\(name).locked.key"])
            try folder.write("\(name).locked.key", folder.read("\(name).locked.key"))
        }
        try folder.write("authorities/ca.pem", folder.read("ca.pem"))
        try certificates.openssl("rehash", folder["authorities"])
        let life = ReseedScene.Life(
            environment: [
                "REDIS_TLS_CERT_FILE": certificates.certificate("server-only"),
                "REDIS_TLS_KEY_FILE": folder["server-only.locked.key"], "REDIS_TLS_KEY_FILE_PASS": "p4ss",
                "REDIS_TLS_CA_FILE": "", "REDIS_TLS_CA_DIR": folder["authorities"],
                "REDIS_TLS_SERVER_NAME": "redis-node", "REDIS_VERSION": "7.0.15",
            ],
            lines: [
                "save \"\"", "repl-diskless-sync-delay 0",
                "tls-client-cert-file \(certificates.certificate("client-only"))",
                "tls-client-key-file \(folder["client-only.locked.key"])", "tls-client-key-file-pass p4ss",
                "tls-protocols TLSv1.3",
            ])
        try await withReseedScene(nil, Self.options(certificates), life) { scene in
            try await scene.withMaster(life) { master in
                try await scene.expectHome(master)
                #expect(try await !master.log(of: "master").contains("p4ss"))
            }
        }
    }

    @Test("is blocked, with what to do, where the TLS handshake fails")
    func held() async throws {
        let certificates = try Self.certificates()
        try certificates.sign("unknown", for: "IP:127.0.0.1", by: "stranger")
        let strangers = [
            "REDIS_TLS_CERT_FILE": certificates.certificate("unknown"),
            "REDIS_TLS_KEY_FILE": certificates.key("unknown"),
        ]
        let broken = try certificates.folder.write("broken.pem", "nonsense".utf8)
        let cases: [(environment: [String: String], words: [String])] = [
            (
                ["REDIS_TLS_CA_FILE": certificates.certificate("stranger")],
                ["its certificate does not pass", "has to hold the authority that signed it"]
            ),
            (
                ["REDIS_TLS_SERVER_NAME": "redis-other"],
                ["mismatch", "set REDIS_TLS_SERVER_NAME to a name that it holds"]
            ),
            (strangers, ["it refuses the certificate that it was shown", "signed by an authority that it knows"]),
            (["REDIS_TLS_CA_FILE": broken], ["broken.pem (tls-ca-cert-file) cannot be used", "certificates in PEM"]),
            (
                [
                    "REDIS_TLS_ENABLED": "", "REDIS_TLS_CERT_FILE": "", "REDIS_TLS_KEY_FILE": "",
                    "REDIS_TLS_CA_FILE": "",
                ],
                ["does not answer in the clear", "set REDIS_TLS_ENABLED=yes"]
            ),
        ]
        try await withReseedScene(nil, Self.options(certificates)) { scene in
            for (environment, words) in cases {
                let life = ReseedScene.Life(environment: environment.merging(["REDIS_GUARD_TIMEOUT": "1"]) { $1 })
                let log = try await scene.held(life)
                for word in words { #expect(log.contains(word), "\(environment): \(log)") }
                #expect(log.contains("this master would start empty"), "\(log)")
                #expect(scene.entries == [])
                try await scene.expectUntouched()
            }
            // The same servers, and everything as it should be.
            try await scene.withMaster { try await scene.expectHome($0) }
        }
    }

    @Test("is blocked where the certificates of the replicas have expired")
    func expired() async throws {
        let certificates = try Self.certificates()
        try certificates.sign("old", for: "IP:127.0.0.1", days: -1)
        try await withReseedScene(nil, Self.options(certificates, clients: "no")) { scene in
            for replica in scene.replicas {
                let reply = try await scene.ask(
                    scene.cluster, replica, "CONFIG", "SET", "tls-cert-file", certificates.certificate("old"),
                    "tls-key-file", certificates.key("old"))
                #expect(reply.text == "OK", "\(reply)")
            }
            let log = try await scene.held(.init(environment: ["REDIS_GUARD_TIMEOUT": "1"]))
            #expect(log.contains("certificate has expired") && log.contains("renew that certificate"), "\(log)")
            try await scene.expectUntouched()
        }
    }

    @Test("says why a replica did not come that does not know the authority of the master's certificate")
    func refusedByReplica() async throws {
        let certificates = try Self.certificates()
        try await withReseedScene(nil, Self.options(certificates, clients: "no")) { scene in
            for replica in scene.replicas {
                let reply = try await scene.ask(
                    scene.cluster, replica, "CONFIG", "SET", "tls-ca-cert-file", certificates.certificate("stranger"))
                #expect(reply.text == "OK", "\(reply)")
            }
            let log = try await scene.held()
            #expect(log.contains("did not come to"), "\(log)")
            #expect(log.contains("A replica that came was refused: it refuses the certificate"), "\(log)")
            #expect(scene.entries == [])
            try await scene.expectUntouched()
        }
    }

    @Test("gets its data back beside a hundred connections that never finish their handshake")
    func silentClients() async throws {
        let certificates = try Self.certificates()
        var options = Self.options(certificates)
        options.valueBytes = 2000
        try await withReseedScene(nil, options) { scene in
            try await scene.slow(microseconds: 1500)
            try await scene.withMaster { master in
                try await scene.waitUntilUnderWay(master)
                let endpoint = scene.master
                let sockets = try await Background.run { try (0..<100).map { _ in try Self.connect(endpoint) } }
                defer { for socket in sockets { close(socket) } }
                try await scene.slow(microseconds: 0)
                try await scene.expectHome(master)
            }
        }
    }

    private static func connect(_ endpoint: Endpoint) throws -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        try #require(try endpoint.withSocketAddress { Glibc.connect(descriptor, $0, $1) } == 0)
        // Half a record: a handshake that has begun.
        try #require(send(descriptor, [0x16, 0x03, 0x01, 0x02], 4, CInt(MSG_NOSIGNAL)) == 4)
        return descriptor
    }
}
