import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("Sidecars of servers that speak TLS")
struct SidecarTLSTests {
    @Test(
        "look at both over TLS, and have the server read exchanged files, a half exchanged pair excepted",
        arguments: try RedisServer.pathsWithTLS)
    func exchanged(path: String) async throws {
        let certificates = try Certificates()
        for name in ["one", "two"] { try certificates.sign(name, for: "IP:127.0.0.1,IP:127.0.0.2") }
        let system = try SidecarTLSCluster(path, certificates, "one")
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: " is a master\"")
            try await cluster.wait(untilStatusOf: "master-sidecar", says: #""state": "watches-only""#)
            for port in system.tlsPorts { #expect(try await shown(on: port, certificates) == "one") }

            // A new certificate with the old key.
            try system.exchange(certificate: "two", key: "one")
            for name in ["master-sidecar", "replica-sidecar"] {
                try await cluster.wait(untilLogOf: name, says: "it is not the key of the certificate in tls-cert-file")
            }
            for port in system.tlsPorts { #expect(try await shown(on: port, certificates) == "one") }
            try await cluster.relinkOverTLS()
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)

            try system.exchange(certificate: "two", key: "two")
            for port in system.tlsPorts {
                try await cluster.wait(until: "port \(port) shows the new certificate") {
                    Observation(try await shown(on: port, certificates) == "two", else: "the old one")
                }
            }
            try await cluster.relinkOverTLS()
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            for name in ["master-sidecar", "replica-sidecar"] {
                let lines = try await cluster.log(of: name).split(separator: "\n")
                #expect(lines.count { $0.contains("had the server read the TLS files again") } == 1)
                #expect(lines.count { $0.contains("the TLS files stay as they were") } == 1)
                #expect(!lines.contains { $0.contains("PRIVATE KEY") })
            }
        }
    }

    @Test("read a key with a passphrase, and authorities out of a folder")
    func passphrase() async throws {
        let certificates = try Certificates()
        try certificates.sign("one", for: "IP:127.0.0.1,IP:127.0.0.2")
        let folder = certificates.folder
        try certificates.openssl(
            "pkcs8", "-topk8", "-in", certificates.key("one"), "-passout", "pass:s3cret", "-out",
            folder["one.locked.key"])
        try folder.write("one.locked.key", folder.read("one.locked.key"))
        try folder.write("authorities/ca.pem", folder.read("ca.pem"))
        try certificates.openssl("rehash", folder["authorities"])
        let system = try SidecarTLSCluster(
            try Harness.redisServer.string, certificates, "one", key: folder["one.locked.key"], passphrase: "s3cret",
            authorities: folder["authorities"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            for node in cluster.spec.nodes { #expect(try await !cluster.log(of: node.name).contains("s3cret")) }
        }
    }

    @Test(
        "end with one line that names file and cure where the files cannot be used at the start",
        arguments: [
            ("tls.crt", "(tls-cert-file) cannot be used; it has to hold a certificate in PEM"),
            ("tls.key", "(tls-key-file) cannot be used; it has to hold a private key in PEM"),
            ("ca.crt", "(tls-ca-cert-file) cannot be used; it has to hold certificates in PEM"), ("", "no such file"),
        ])
    func unusable(name: String, cure: String) throws {
        let certificates = try Certificates()
        try certificates.sign("one", for: "IP:127.0.0.1")
        let folder = certificates.folder
        let files = [
            "tls.crt": certificates.certificate("one"), "tls.key": certificates.key("one"),
            "ca.crt": certificates.certificate("ca"),
        ]
        for (file, source) in files {
            try folder.write(file, file == name ? Array("nonsense".utf8) : Scratch.read(source))
        }
        let run = try ProgramRun(
            [], of: "redis-replica-sidecar",
            environment: [
                "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CERT_FILE": folder[name.isEmpty ? "nowhere" : "tls.crt"],
                "REDIS_TLS_KEY_FILE": folder["tls.key"], "REDIS_TLS_CA_FILE": folder["ca.crt"],
                "REDIS_MASTER_SERVICE_HOST": "127.0.0.1", "REDIS_BIND": "127.0.0.2", "SIDECAR_PORT": "0",
                "REDIS_CONFIG_FILE": try folder.write("redis.conf", []),
            ])
        #expect(run.ending == .exited(78), "\(run.output)")
        // It listens before it reads files.
        let errors = run.lines.filter { $0.hasPrefix("redis-replica-sidecar: ") }
        #expect(errors.count == 1 && errors.first == run.lines.last, "\(run.output)")
        #expect(errors.first?.contains(cure) == true, "\(run.output)")
    }

    /// The name in the certificate that a port shows to a new connection.
    private func shown(on port: Endpoint, _ certificates: Certificates) async throws -> String {
        let folder = certificates.folder
        return try await Background.run {
            let command =
                "openssl s_client -connect \(port) -CAfile \(folder["ca.pem"]) </dev/null 2>/dev/null | openssl x509 -noout -subject"
            let process = try Spawned(
                "/bin/sh", ["-c", command], environment: ["PATH": "/usr/bin:/bin"], in: folder.path,
                log: folder["subject"])
            #expect(process.ended() == .exited(0), "\(process.output)")
            return process.output.split(separator: "=").last.map { String($0.filter(\.isLetter)) } ?? ""
        }
    }
}

extension RedisServer {
    /// Those that were built with TLS; the machine's own was.
    static var pathsWithTLS: [String] {
        get throws {
            let scratch = try Scratch()
            let found = try paths.filter { path in
                let process = try Spawned(
                    path, ["--port", "0", "--tls-auth-clients", "nonsense"], in: scratch.path, log: scratch["log"])
                _ = process.ended()
                return !process.output.contains("Bad directive")
            }
            return found.isEmpty ? ["/usr/bin/redis-server"] : found
        }
    }
}

extension LocalCluster {
    /// Closes the replica's link, and waits until it is there again.
    fileprivate nonisolated func relinkOverTLS() async throws {
        #expect(try await redis("replica", "CLIENT", "KILL", "TYPE", "master") == .integer(1))
        try await wait(until: "the link is up", of: "replica") {
            let status = try await self.info("replica")["master_link_status"]
            return Observation(status == "up", else: status ?? "?")
        }
    }
}

/// A master and a replica that speak TLS with each other, and a sidecar of each that only knows the TLS ports. The tests
/// ask the servers at plain ports.
private struct SidecarTLSCluster {
    let spec: ClusterSpec
    let tlsPorts: [Endpoint]
    private let files: MountedSecret
    private let certificates: Certificates

    init(
        _ path: String, _ certificates: Certificates, _ name: String, key: String? = nil, passphrase: String? = nil,
        authorities: String? = nil
    ) throws {
        self.certificates = certificates
        files = try MountedSecret(Self.contents(certificates, certificate: name, key: name))
        let ports = try Loopback.freePorts(6)
        tlsPorts = [Endpoint(port: ports[2]), Endpoint(host: "127.0.0.2", port: ports[3])]
        let key = key ?? files["tls.key"]
        var lines = [
            "tls-cert-file \(files["tls.crt"])", "tls-key-file \(key)",
            authorities.map { "tls-ca-cert-dir \($0)" } ?? "tls-ca-cert-file \(files["ca.crt"])", "tls-replication yes",
        ]
        if let passphrase { lines.append("tls-key-file-pass \(passphrase)") }
        var environment = [
            "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CERT_FILE": files["tls.crt"], "REDIS_TLS_KEY_FILE": key,
        ]
        environment[authorities == nil ? "REDIS_TLS_CA_FILE" : "REDIS_TLS_CA_DIR"] = authorities ?? files["ca.crt"]
        if let passphrase { environment["REDIS_TLS_KEY_FILE_PASS"] = passphrase }
        var nodes: [NodeSpec] = []
        for (index, name) in ["master", "replica"].enumerated() {
            let tls = tlsPorts[index]
            var node = NodeSpec.redis(
                name, server: FilePath(path), at: Endpoint(host: tls.host, port: ports[index]),
                replicaOf: index == 0 ? nil : tlsPorts[0], lines: lines + ["tls-port \(tls.port)"])
            node.isRedis = path.hasPrefix("/usr/")
            var own = environment
            own["REDIS_TLS_PORT_NUMBER"] = "\(tls.port)"
            own["REDIS_BIND"] = tls.host
            own["REDIS_REPLICATION_MODE"] = name
            own["REDIS_MASTER_SERVICE_HOST"] = index == 0 ? nil : tlsPorts[0].host
            own["REDIS_MASTER_SERVICE_PORT"] = index == 0 ? nil : "\(tlsPorts[0].port)"
            own["REDIS_CONFIG_FILE"] = "{directory}/../\(name)/redis.conf"
            own["REDIS_MASTER_RECORD_FILE"] = "{directory}/record"
            own["SIDECAR_HOST"] = tls.host
            own["SIDECAR_PORT"] = "\(ports[4 + index])"
            let sidecar = NodeSpec(
                name: "\(name)-sidecar", executable: try Programs.built("redis-replica-sidecar"), environment: own,
                endpoint: Endpoint(host: tls.host, port: ports[4 + index]), readiness: .running, isRedis: false)
            nodes += [node, sidecar]
        }
        spec = ClusterSpec(nodes)
    }

    func exchange(certificate: String, key: String) throws {
        try files.exchange(Self.contents(certificates, certificate: certificate, key: key))
    }

    private static func contents(
        _ certificates: Certificates, certificate: String, key: String
    ) throws -> [String: [UInt8]] {
        [
            "tls.crt": try Scratch.read(certificates.certificate(certificate)),
            "tls.key": try Scratch.read(certificates.key(key)),
            "ca.crt": try Scratch.read(certificates.certificate("ca")),
        ]
    }
}
