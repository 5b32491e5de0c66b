import LocalTopology
import SystemPackage
import Testing

@Suite("A master that trusts another authority than its replicas do")
struct ClientCertificateTests {
    /// The master takes clients of `stranger` alone; its own certificate, and the replica's, are of `ca`.
    @Test(
        "is shown the client certificate by the replica's sidecar, named in redis.conf or in the environment",
        arguments: [true, false])
    func clientCertificate(isInFile: Bool) async throws {
        let certificates = try Certificates()
        try certificates.sign("one", for: "IP:127.0.0.1,IP:127.0.0.2")
        let folder = certificates.folder
        let key = try folder.write("stranger.readable.key", folder.read("stranger.key"))
        let server = FilePath(try Harness.redisServer.string)
        let ports = try Loopback.freePorts(5)
        let tls = [Endpoint(port: ports[2]), Endpoint(host: "127.0.0.2", port: ports[3])]
        let identity = ["tls-cert-file \(certificates.certificate("one"))", "tls-key-file \(certificates.key("one"))"]
        let client = [
            "tls-client-cert-file \(certificates.certificate("stranger"))", "tls-client-key-file \(key)",
        ]
        let master = NodeSpec.redis(
            "master", server: server, at: Endpoint(port: ports[0]),
            lines: identity + [
                "tls-port \(tls[0].port)", "tls-ca-cert-file \(certificates.certificate("stranger"))",
                "tls-auth-clients yes",
            ])
        let replica = NodeSpec.redis(
            "replica", server: server, at: Endpoint(host: "127.0.0.2", port: ports[1]), replicaOf: tls[0],
            lines: identity + client + [
                "tls-port \(tls[1].port)", "tls-ca-cert-file \(certificates.certificate("ca"))", "tls-replication yes",
            ])
        // What the start of the replica read, with or without its client certificate.
        let file = try folder.write(
            "sidecar.conf", Array((isInFile ? client : []).joined(separator: "\n").utf8), mode: 0o644)
        var environment = [
            "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CERT_FILE": certificates.certificate("one"),
            "REDIS_TLS_KEY_FILE": certificates.key("one"), "REDIS_TLS_CA_FILE": certificates.certificate("ca"),
            "REDIS_TLS_PORT_NUMBER": "\(tls[1].port)", "REDIS_BIND": tls[1].host, "REDIS_CONFIG_FILE": file,
            "REDIS_MASTER_HOST": tls[0].host, "REDIS_MASTER_PORT_NUMBER": "\(tls[0].port)",
            "REDIS_MASTER_RECORD_FILE": "{directory}/record", "SIDECAR_HOST": "127.0.0.2",
            "SIDECAR_PORT": "\(ports[4])",
        ]
        if !isInFile {
            environment["REDIS_TLS_CLIENT_CERT_FILE"] = certificates.certificate("stranger")
            environment["REDIS_TLS_CLIENT_KEY_FILE"] = key
        }
        func sidecar(_ environment: [String: String]) throws -> NodeSpec {
            NodeSpec(
                name: "sidecar", executable: try Programs.built("redis-replica-sidecar"), environment: environment,
                endpoint: Endpoint(host: "127.0.0.2", port: ports[4]), readiness: .running, isRedis: false)
        }
        try await withLocalCluster(ClusterSpec([master, replica])) { cluster in
            try await withSidecar(try sidecar(environment), besides: cluster) { own in
                try await own.wait(untilStateIs: "in-step")
            }
            // Without it the master refuses, and nothing says where a library was compiled.
            environment["REDIS_TLS_CLIENT_CERT_FILE"] = nil
            environment["REDIS_TLS_CLIENT_KEY_FILE"] = nil
            environment["REDIS_CONFIG_FILE"] = try folder.write("empty.conf", [UInt8](), mode: 0o644)
            try await withSidecar(try sidecar(environment), besides: cluster) { own in
                try await own.wait(untilStateIs: "no-master")
                let reason = try await own.status("reason")
                #expect(reason.contains("certificate"), "\(reason)")
                for words in [reason, try await own.log(of: "sidecar")] {
                    #expect(!words.contains(".cc:") && !words.contains("/checkouts/"), "\(words)")
                }
            }
        }
    }
}
