import Testing

/// Certificates for one test, made by `openssl` in its own folder.
struct Certificates {
    let folder: Scratch

    /// Makes two authorities, `ca` and `stranger`; each file is `<name>.pem`, its key `<name>.key`.
    init() throws {
        folder = try Scratch()
        for name in ["ca", "stranger"] {
            try openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-keyout", folder["\(name).key"], "-out", folder["\(name).pem"])
        }
    }

    /// Makes a certificate that `ca` has signed.
    ///
    /// - Parameters:
    ///   - names: as in `subjectAltName`: `DNS:redis-master,IP:127.0.0.1`.
    ///   - authority: who signs it.
    ///   - days: how long it is valid; with -1 it has expired.
    ///   - usage: `serverAuth` or `clientAuth`, where it is for that alone.
    ///   - subject: `/O=redis`; by default its common name is `name`.
    func sign(
        _ name: String, for names: String, by authority: String = "ca", days: Int = 2, usage: String? = nil,
        subject: String? = nil
    ) throws {
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            subject ?? "/CN=\(name)", "-keyout", folder["\(name).key"],
            "-out", folder["\(name).csr"])
        let purpose = usage.map { "extendedKeyUsage=\($0)\n" } ?? ""
        let extensions = try folder.write("\(name).ext", "subjectAltName=\(names)\n\(purpose)".utf8)
        try openssl(
            "x509", "-req", "-in", folder["\(name).csr"], "-CA", folder["\(authority).pem"], "-CAkey",
            folder["\(authority).key"], "-CAcreateserial", "-days", "\(days)", "-extfile", extensions, "-out",
            folder["\(name).pem"])
        // Redis runs as another user.
        try openssl("pkey", "-in", folder["\(name).key"], "-out", folder["\(name).readable.key"])
        try folder.write("\(name).readable.key", folder.read("\(name).readable.key"))
    }

    func certificate(_ name: String) -> String { folder["\(name).pem"] }
    func key(_ name: String) -> String { folder["\(name).readable.key"] }

    /// redis.conf lines for a server that speaks TLS on a second port.
    func lines(port: Int, as name: String, asksClients: Bool = false) -> [String] {
        [
            "tls-port \(port)", "tls-cert-file \(certificate(name))", "tls-key-file \(key(name))",
            "tls-ca-cert-file \(certificate("ca"))", "tls-auth-clients \(asksClients ? "yes" : "no")",
        ]
    }

    func openssl(_ arguments: String...) throws {
        let process = try Spawned("/usr/bin/openssl", arguments, in: folder.path, log: folder["openssl.log"])
        try #require(process.ended() == .exited(0), "openssl \(arguments.joined(separator: " ")): \(process.output)")
    }
}
