import NIOCore
import NIOSSL

/// How connections to Redis are encrypted: made once, from the bytes of the operator's files, and shared by all.
public struct RedisTLS: Sendable {
    /// What of a server's certificate is checked.
    public enum Verification: Sendable {
        /// That it is valid, and for the name that is connected to.
        case full
        /// That it is valid; whose it is does not matter.
        case authority
    }

    let context: NIOSSLContext
    private let serverName: String?

    /// - Parameters:
    ///   - authorities: certificates in PEM; what one of them has signed is trusted, and nothing else.
    ///   - identity: a certificate with those that lead to its authority, and its key, in PEM; for servers that ask who the
    ///     client is.
    ///   - keyPassphrase: what the key is encrypted with; `nil`: nothing.
    ///   - serverName: the name that certificates are checked for, in place of the one that is connected to. Not an address.
    public init(
        authorities: [UInt8], identity: (certificates: [UInt8], key: [UInt8])? = nil, keyPassphrase: [UInt8]? = nil,
        verification: Verification = .full, serverName: String? = nil
    ) throws(RedisTLSError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = verification == .full ? .fullVerification : .noHostnameVerification
        configuration.trustRoots = .certificates(try Self.certificates(authorities, else: .authorities))
        if let identity {
            configuration.certificateChain = try Self.certificates(identity.certificates, else: .certificate)
                .map { .certificate($0) }
            guard let key = Self.key(identity.key, passphrase: keyPassphrase) else { throw .key }
            configuration.privateKey = .privateKey(key)
        }
        // What can be wrong with the rest is that the certificate and the key are not of a pair.
        guard let context = try? NIOSSLContext(configuration: configuration) else { throw .pair }
        self.context = context
        self.serverName = serverName
    }

    private static func certificates(
        _ bytes: [UInt8], else error: RedisTLSError
    ) throws(RedisTLSError) -> [NIOSSLCertificate] {
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else { throw error }
        return certificates
    }

    private static func key(_ bytes: [UInt8], passphrase: [UInt8]?) -> NIOSSLPrivateKey? {
        guard let passphrase else { return try? NIOSSLPrivateKey(bytes: bytes, format: .pem) }
        return try? NIOSSLPrivateKey(bytes: bytes, format: .pem) { $0(passphrase) }
    }

    /// - Parameter name: what the operator calls the server; an address is checked as such against the certificate.
    func makeHandler(for name: String) throws -> NIOSSLClientHandler {
        let name = serverName ?? name
        return try NIOSSLClientHandler(context: context, serverHostname: Self.isAddress(name) ? nil : name)
    }

    /// Whether a host is a numeric address, which no server can be asked for by name.
    public static func isAddress(_ host: String) -> Bool { (try? SocketAddress(ipAddress: host, port: 0)) != nil }
}

/// Which of the files cannot be used.
public enum RedisTLSError: Error, Equatable, Sendable {
    case authorities
    case certificate
    case key
    /// The certificate and the key do not belong together.
    case pair
}
