import RedisConf

/// How TLS is spoken with the replicas: what the master's own configuration says, read as redis-server reads it.
public struct GuardTLS: Equatable, Sendable {
    /// A certificate's file, its key's, and what that is encrypted with.
    public struct Identity: Equatable, Sendable {
        public var certificate: [UInt8]
        public var key: [UInt8]
        /// A secret.
        public var passphrase: [UInt8]?

        public init(certificate: [UInt8], key: [UInt8], passphrase: [UInt8]? = nil) {
            self.certificate = certificate
            self.key = key
            self.passphrase = passphrase
        }
    }

    /// `tls-auth-clients`.
    public enum ClientCertificates: Equatable, Sendable {
        case needed
        case optional
        case ignored
    }

    /// What the placeholder master shows to replicas.
    public var server: Identity?
    /// What a replica is shown that is asked: `tls-client-cert-file`, else the server's own, as redis-server does.
    public var client: Identity?
    public var authorities: [UInt8]?
    public var authoritiesFolder: [UInt8]?
    public var clientCertificates = ClientCertificates.needed
    /// A name that every replica's certificate has to hold. redis-server compares no names, so by default neither does this.
    public var serverName: [UInt8]?
    public var protocols: [UInt8]?
    public var ciphers: [UInt8]?
    public var cipherSuites: [UInt8]?

    public init() {}
}

/// What it takes to ask a replica.
public struct PeerAccess: Equatable, Sendable {
    public var credentials: GuardSettings.Credentials?
    /// nil: in the clear.
    public var tls: GuardTLS?
}

extension GuardSettings {
    public var access: PeerAccess { PeerAccess(credentials: credentials, tls: tls) }
}

extension Planner {
    /// nil where servers speak in the clear among each other.
    ///
    /// A server that only serves TLS has replicas that connect over TLS, regardless of its own `tls-replication`.
    func guardTLS(_ arguments: ServerArguments, folder: [UInt8]) -> GuardTLS? {
        func last(_ name: DirectiveName) -> [UInt8]? {
            let found = arguments.last(name)?.first ?? scalar(name)
            return found.flatMap { $0.isEmpty ? nil : $0 }
        }
        let isOn = last("tls-replication").map { equalsIgnoringCase($0, "yes") } ?? false
        guard let port = last("tls-port").flatMap(number), port > 0, isOn || last("port").flatMap(number) == 0 else {
            return nil
        }
        return tlsSettings(arguments, folder: folder)
    }

    /// What the configuration says of TLS, whether it is spoken or not.
    func tlsSettings(_ arguments: ServerArguments, folder: [UInt8]) -> GuardTLS {
        func last(_ name: DirectiveName) -> [UInt8]? {
            let found = arguments.last(name)?.first ?? scalar(name)
            return found.flatMap { $0.isEmpty ? nil : $0 }
        }
        // The server reads these files once it is in its data folder.
        func file(_ name: DirectiveName) -> [UInt8]? {
            last(name).map { $0.first == UInt8(ascii: "/") ? $0 : folder + [UInt8(ascii: "/")] + $0 }
        }
        func identity(_ certificate: DirectiveName, _ key: DirectiveName, _ passphrase: DirectiveName)
            -> GuardTLS.Identity?
        {
            guard let certificate = file(certificate), let key = file(key) else { return nil }
            return .init(certificate: certificate, key: key, passphrase: last(passphrase))
        }
        var tls = GuardTLS()
        tls.server = identity("tls-cert-file", "tls-key-file", "tls-key-file-pass")
        tls.client =
            identity("tls-client-cert-file", "tls-client-key-file", "tls-client-key-file-pass") ?? tls.server
        tls.authorities = file("tls-ca-cert-file")
        tls.authoritiesFolder = file("tls-ca-cert-dir")
        if let word = last("tls-auth-clients") {
            if equalsIgnoringCase(word, "no") { tls.clientCertificates = .ignored }
            if equalsIgnoringCase(word, "optional") { tls.clientCertificates = .optional }
        }
        tls.serverName = environment["REDIS_TLS_SERVER_NAME"]
        tls.protocols = last("tls-protocols")
        tls.ciphers = last("tls-ciphers")
        tls.cipherSuites = last("tls-ciphersuites")
        return tls
    }
}
