import ReplicaPlanning
import Testing

@Suite("TLS of the startup guard")
struct GuardTLSTests {
    private func settings(
        _ environment: [String: String] = [:], arguments: [String] = [], file: String
    ) throws -> GuardSettings {
        var start = Start(file: file)
        start.environment = [
            "REDIS_REPLICATION_MODE": "master", "REDIS_SLAVE_NODES_HOST": "a", "POD_IP": "198.51.100.7",
        ].merging(environment) { $1 }
        start.arguments = arguments
        return try #require(try start.plan().startupGuard)
    }

    private static let files = "tls-cert-file /tls/c\ntls-key-file /tls/k\ntls-ca-cert-file /tls/ca\n"

    @Test("is spoken where the servers replicate over TLS, and where they serve nothing else")
    func spoken() throws {
        for (lines, port) in [
            ("tls-port 6380\ntls-replication yes\n", 6380), ("port 0\ntls-port 6380\n", 6380),
            ("port 6379\ntls-port 6380\n", nil), ("tls-replication yes\n", nil), ("port 6379\n", nil),
            ("tls-port 0\ntls-replication yes\n", nil),
        ] as [(String, Int?)] {
            let settings = try settings(file: lines + Self.files)
            #expect((settings.tls != nil) == (port != nil), "\(lines)")
            #expect(settings.port == port ?? 6379, "\(lines)")
            #expect(settings.own?.port == settings.port, "\(lines)")
        }
        let arguments = ["--", "--tls-port", "7000", "--tls-replication", "yes"]
        let settings = try settings(arguments: arguments, file: Self.files)
        #expect(settings.tls != nil && settings.port == 7000)
    }

    @Test("shows replicas the client's certificate, else the server's, as redis-server does")
    func identities() throws {
        let lines = "tls-port 6380\ntls-replication yes\n" + Self.files
        let one = try #require(try settings(file: lines + "tls-key-file-pass secret\n").tls)
        let server = GuardTLS.Identity(certificate: bytes("/tls/c"), key: bytes("/tls/k"), passphrase: bytes("secret"))
        #expect(one.server == server && one.client == server)
        let own = "tls-client-cert-file /tls/cc\ntls-client-key-file ck\ntls-client-key-file-pass other\ndir /srv\n"
        let two = try #require(try settings(["REDIS_DATA_DIR": "/srv"], file: lines + own).tls)
        #expect(two.server?.certificate == bytes("/tls/c"))
        #expect(two.client?.certificate == bytes("/tls/cc") && two.client?.passphrase == bytes("other"))
        #expect(two.client?.key == bytes("/srv/ck"), "a relative path is one in the data folder")
        #expect(two.authorities == bytes("/tls/ca") && two.authoritiesFolder == nil)
    }

    @Test("asks those who come for what tls-auth-clients says, and compares a name only where one is given")
    func rules() throws {
        let lines = "tls-port 6380\ntls-replication yes\n" + Self.files
        for (line, expected) in [
            ("", .needed), ("tls-auth-clients yes", .needed), ("tls-auth-clients No", .ignored),
            ("tls-auth-clients optional", .optional),
        ] as [(String, GuardTLS.ClientCertificates)] {
            #expect(try settings(file: lines + line + "\n").tls?.clientCertificates == expected, "\(line)")
        }
        #expect(try settings(file: lines).tls?.serverName == nil)
        #expect(try settings(["REDIS_TLS_SERVER_NAME": "n"], file: lines).tls?.serverName == bytes("n"))
        let protocols = try settings(file: lines + "tls-protocols \"TLSv1.2 TLSv1.3\"\n").tls?.protocols
        #expect(protocols == bytes("TLSv1.2 TLSv1.3"))
    }
}
