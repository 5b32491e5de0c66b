import RedisClient
import RedisConf
import ReplicaInit

/// How this process speaks TLS to the servers: as they do among each other.
enum ServerTLS {
    /// - Parameter files: asked for every file that the server reads, also for those that are not needed here.
    /// - Returns: `nil` where the servers speak none, or nobody says whom they trust.
    static func context<Files: MachineFiles>(
        of target: SidecarTarget, files: Files
    ) throws(ServerTLSError) -> RedisTLS? {
        guard let tls = target.tls else { return nil }
        for path in [tls.certificate, tls.key] { _ = path.map { files.exists($0) } }
        guard let authorities = try authorities(tls, files) else { return nil }
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
        }
        return bytes
    }

    private static func read<Files: MachineFiles>(_ path: [UInt8], _ files: Files) throws(ServerTLSError) -> [UInt8] {
        do throws(FileProblem) {
            return try files.contents(ofFile: path)
        } catch {
            throw ServerTLSError(path, "cannot be read (\(error.reason)); make it readable for this user")
        }
    }
}

/// A file that TLS needs and that cannot be used.
public struct ServerTLSError: Error, Equatable, CustomStringConvertible {
    public let description: String

    fileprivate init(_ path: [UInt8], _ words: String) {
        description = "the file '\(String(decoding: path, as: UTF8.self))' \(words)"
    }

    fileprivate init(_ error: RedisTLSError, _ tls: SidecarTarget.TLSFiles) {
        switch error {
        case .authorities:
            self.init(
                tls.authorities ?? tls.authoritiesFolder ?? [],
                "(tls-ca-cert-file) cannot be used; it has to hold certificates in PEM (-----BEGIN CERTIFICATE-----)")
        case .certificate:
            self.init(
                tls.certificate ?? [],
                "(tls-cert-file) cannot be used; it has to hold a certificate in PEM (-----BEGIN CERTIFICATE-----)")
        case .key:
            self.init(
                tls.key ?? [],
                "(tls-key-file) cannot be used; it has to hold a private key in PEM, and tls-key-file-pass its passphrase"
            )
        case .pair:
            self.init(
                tls.key ?? [],
                "(tls-key-file) cannot be used; it is not the key of the certificate in tls-cert-file")
        }
    }
}
