import RedisClient
import RedisConf
import ReplicaPlanning

/// How this process speaks TLS to the servers: as they do among each other.
struct ServerTLS {
    /// To the server beside it; `nil` where that one speaks none, or nothing says whom it trusts.
    var local: RedisTLS?
    /// To the master: with the client certificate, where there is one (redis/redis `src/tls.c`, `redis_tls_client_ctx`).
    var master: RedisTLS?
    /// To the Sentinels; `nil`: in the clear.
    var sentinel: RedisTLS?

    /// - Parameter files: asked for every file that the server reads, also for those that are not needed here.
    init<Files: MachineFiles>(of target: SidecarTarget, files: Files) throws(ServerTLSError) {
        if let tls = target.sentinelTLS {
            guard let authorities = try Self.authorities(tls, files) else {
                throw ServerTLSError(
                    description: "REDIS_SENTINEL_TLS is yes, and nothing says whom to trust; set REDIS_TLS_CA_FILE")
            }
            sentinel = try Self.context(tls, authorities, files)
        }
        guard let tls = target.tls else { return }
        for path in [tls.certificate, tls.key, tls.clientCertificate, tls.clientKey] {
            _ = path.map { files.exists($0) }
        }
        guard let authorities = try Self.authorities(tls, files) else { return }
        local = try Self.context(tls, authorities, files)
        guard target.replicatesOverTLS else { return }
        guard tls.clientCertificate != nil || tls.clientKey != nil else {
            master = local
            return
        }
        guard tls.clientCertificate != nil, tls.clientKey != nil else {
            throw ServerTLSError(unpaired: tls.clientCertificate ?? tls.clientKey ?? [], hasKey: tls.clientKey != nil)
        }
        var client = tls
        client.certificate = tls.clientCertificate
        client.key = tls.clientKey
        client.keyPassphrase = tls.clientKeyPassphrase
        master = try Self.context(client, authorities, files)
    }

    private static func context<Files: MachineFiles>(
        _ tls: SidecarTarget.TLSFiles, _ authorities: [UInt8], _ files: Files
    ) throws(ServerTLSError) -> RedisTLS {
        var identity: (certificates: [UInt8], key: [UInt8])?
        if let certificate = tls.certificate, let key = tls.key {
            identity = (try read(certificate, files), try read(key, files))
        }
        do throws(RedisTLSError) {
            // Redis checks the authority and no name when it dials its master (redis/redis `src/tls.c`), and an address is
            // what the sidecar knows of the local server.
            return try RedisTLS(
                authorities: authorities, identity: identity, keyPassphrase: tls.keyPassphrase, verification: .authority
            )
        } catch {
            throw ServerTLSError(error, tls)
        }
    }

    /// More than the authorities of any system have, each with the links to it.
    private static let maximumAuthorityBytes = 4 << 20

    /// The authorities of the file, else of all files in the folder.
    private static func authorities<Files: MachineFiles>(
        _ tls: SidecarTarget.TLSFiles, _ files: Files
    ) throws(ServerTLSError) -> [UInt8]? {
        if let path = tls.authorities { return try read(path, files) }
        guard let folder = tls.authoritiesFolder else { return nil }
        var bytes: [UInt8] = []
        // Kubernetes keeps what the links lead to in folders whose names begin with a dot.
        for name in files.names(inFolder: folder) where name.first != UInt8(ascii: ".") {
            bytes += try read(folder + [UInt8(ascii: "/")] + name, files) + [UInt8(ascii: "\n")]
            guard bytes.count <= maximumAuthorityBytes else {
                throw ServerTLSError(
                    folder, "(tls-ca-cert-dir) holds more than 4 MiB; leave the authorities alone in it")
            }
        }
        return bytes
    }

    private static func read<Files: MachineFiles>(_ path: [UInt8], _ files: Files) throws(ServerTLSError) -> [UInt8] {
        do throws(FileProblem) {
            return try files.secret(inFile: path)
        } catch {
            throw ServerTLSError(path, "cannot be read (\(error.reason)); make it readable for this user")
        }
    }
}

/// A file that TLS needs and that cannot be used.
public struct ServerTLSError: Error, Equatable, CustomStringConvertible {
    public let description: String

    /// A client certificate without its key, or the other way round.
    fileprivate init(unpaired path: [UInt8], hasKey: Bool) {
        let (own, other) = hasKey ? ("KEY", "CERT") : ("CERT", "KEY")
        self.init(
            path,
            "(REDIS_TLS_CLIENT_\(own)_FILE, or tls-client-\(own.lowercased())-file) is of no use alone; give the other file too, "
                + "by REDIS_TLS_CLIENT_\(other)_FILE or tls-client-\(other.lowercased())-file, or take this one away")
    }

    fileprivate init(description: String) { self.description = description }

    fileprivate init(_ path: [UInt8], _ words: String) {
        description = "the file '\(String(decoding: path, as: UTF8.self))' \(words)"
    }

    fileprivate init(_ error: RedisTLSError, _ tls: SidecarTarget.TLSFiles) {
        // The directive that the file is named by.
        let isClient = tls.certificate == tls.clientCertificate && tls.key == tls.clientKey && tls.key != nil
        let (certificate, key) =
            isClient ? ("tls-client-cert-file", "tls-client-key-file") : ("tls-cert-file", "tls-key-file")
        switch error {
        case .authorities:
            self.init(
                tls.authorities ?? tls.authoritiesFolder ?? [],
                "(tls-ca-cert-file) cannot be used; it has to hold certificates in PEM (-----BEGIN CERTIFICATE-----)")
        case .certificate:
            self.init(
                tls.certificate ?? [],
                "(\(certificate)) cannot be used; it has to hold a certificate in PEM (-----BEGIN CERTIFICATE-----)")
        case .key:
            self.init(
                tls.key ?? [],
                "(\(key)) cannot be used; it has to hold a private key in PEM, and \(key)-pass its passphrase"
            )
        case .pair:
            self.init(
                tls.key ?? [],
                "(\(key)) cannot be used; it is not the key of the certificate in \(certificate)")
        }
    }
}
