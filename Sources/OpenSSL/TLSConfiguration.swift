/// What TLS is spoken with, as redis.conf's `tls-…` directives say it.
public struct TLSConfiguration: Equatable, Sendable {
    /// A certificate, and what its key is encrypted with.
    public struct Identity: Equatable, Sendable {
        public var certificate: String
        public var key: String
        /// A secret.
        public var passphrase: [UInt8]?

        public init(certificate: String, key: String, passphrase: [UInt8]? = nil) {
            self.certificate = certificate
            self.key = key
            self.passphrase = passphrase
        }
    }

    /// What a client has to show.
    public enum ClientCertificates: Equatable, Sendable {
        case needed
        /// Checked where one is shown.
        case optional
        case ignored
    }

    /// Which end of the connection this is.
    public enum Role: Equatable, Sendable {
        /// The other end's certificate has to be signed by an authority, and to hold this name where one is given.
        case client(serverName: String?)
        case server(ClientCertificates)
    }

    public var role: Role
    public var identity: Identity?
    public var authorities: String?
    public var authoritiesFolder: String?
    /// As in `tls-protocols`: `TLSv1.2 TLSv1.3`. nil: these two.
    public var protocols: String?
    /// As in `tls-ciphers`, for TLS up to 1.2.
    public var ciphers: String?
    /// As in `tls-ciphersuites`, for TLS 1.3.
    public var cipherSuites: String?

    public init(
        role: Role, identity: Identity? = nil, authorities: String? = nil, authoritiesFolder: String? = nil,
        protocols: String? = nil, ciphers: String? = nil, cipherSuites: String? = nil
    ) {
        self.role = role
        self.identity = identity
        self.authorities = authorities
        self.authoritiesFolder = authoritiesFolder
        self.protocols = protocols
        self.ciphers = ciphers
        self.cipherSuites = cipherSuites
    }
}
