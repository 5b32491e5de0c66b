internal import COpenSSL
import Glibc

/// What a ``TLSConfiguration``'s files hold, read once: connections come from it.
@safe
public final class TLSContext {
    let context: OpaquePointer
    let role: TLSConfiguration.Role

    /// - Throws: where a file cannot be read or used; the message names it.
    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        guard openssl_prepare() == 1 else { throw TLSError("OpenSSL cannot be used: \(TLSError.takeReason().text)") }
        ERR_clear_error()
        let isServer = if case .server = configuration.role { true } else { false }
        guard let context = unsafe SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            throw TLSError("OpenSSL cannot be used: \(TLSError.takeReason().text)")
        }
        unsafe self.context = context
        role = configuration.role
        // The length of what comes, or its mark, says where it ends; a closing message is not needed.
        unsafe openssl_set_options(context)
        try setProtocols(configuration)
        try setAuthorities(configuration)
        if let identity = configuration.identity { try show(identity, isServer: isServer) }
        let mode =
            switch configuration.role {
            case .client, .server(.optional): SSL_VERIFY_PEER
            case .server(.needed): SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
            case .server(.ignored): SSL_VERIFY_NONE
            }
        unsafe SSL_CTX_set_verify(context, mode, nil)
    }

    deinit { unsafe SSL_CTX_free(context) }

    private static let versions: [(name: String, number: Int32)] = [
        ("TLSv1", TLS1_VERSION), ("TLSv1.1", TLS1_1_VERSION), ("TLSv1.2", TLS1_2_VERSION), ("TLSv1.3", TLS1_3_VERSION),
    ]

    private func setProtocols(_ configuration: TLSConfiguration) throws(TLSError) {
        var numbers: [Int32] = [TLS1_2_VERSION, TLS1_3_VERSION]
        if let protocols = configuration.protocols {
            let words = protocols.split(separator: " ").map { $0.lowercased() }
            numbers = Self.versions.filter { words.contains($0.name.lowercased()) }.map(\.number)
        }
        guard let least = numbers.first, let greatest = numbers.last else {
            throw TLSError("tls-protocols names no version of TLS; use TLSv1.2 and TLSv1.3")
        }
        guard unsafe openssl_set_least_version(context, least) == 1,
            unsafe openssl_set_greatest_version(context, greatest) == 1
        else { throw TLSError("tls-protocols cannot be used; use TLSv1.2 and TLSv1.3") }
        if let ciphers = configuration.ciphers, unsafe SSL_CTX_set_cipher_list(context, ciphers) != 1 {
            throw TLSError("tls-ciphers names no cipher that OpenSSL has")
        }
        if let suites = configuration.cipherSuites, unsafe SSL_CTX_set_ciphersuites(context, suites) != 1 {
            throw TLSError("tls-ciphersuites names no cipher that OpenSSL has")
        }
    }

    private func setAuthorities(_ configuration: TLSConfiguration) throws(TLSError) {
        if let file = configuration.authorities { try Self.check(file, as: "tls-ca-cert-file") }
        if let file = configuration.authorities, unsafe SSL_CTX_load_verify_file(context, file) != 1 {
            throw .unusable(file, as: "tls-ca-cert-file", "it has to hold certificates in PEM")
        }
        if let folder = configuration.authoritiesFolder, unsafe SSL_CTX_load_verify_dir(context, folder) != 1 {
            throw .unusable(folder, as: "tls-ca-cert-dir", "it has to be a folder that openssl rehash was run on")
        }
    }

    /// OpenSSL opens what it is given, and would wait for a FIFO's writer, or read a device without an end.
    private static func check(_ path: String, as directive: String) throws(TLSError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= 1 << 20 else {
            throw TLSError(
                "\(path) (\(directive)) cannot be used: it is no file of at most 1 MiB; name the file in PEM")
        }
    }

    private func show(_ identity: TLSConfiguration.Identity, isServer: Bool) throws(TLSError) {
        let names = isServer ? ("tls-cert-file", "tls-key-file") : ("its certificate", "its key")
        try Self.check(identity.certificate, as: names.0)
        try Self.check(identity.key, as: names.1)
        guard unsafe SSL_CTX_use_certificate_chain_file(context, identity.certificate) == 1 else {
            throw .unusable(identity.certificate, as: names.0, "it has to hold a certificate in PEM")
        }
        let passphrase = identity.passphrase ?? []
        let status = unsafe passphrase.withUnsafeBytes { bytes in
            var given = unsafe openssl_passphrase(bytes: bytes.baseAddress, count: Int32(bytes.count))
            return unsafe withUnsafeMutablePointer(to: &given) { pointer in
                unsafe openssl_set_passphrase(context, identity.passphrase == nil ? nil : pointer)
                defer { unsafe openssl_set_passphrase(context, nil) }
                return unsafe SSL_CTX_use_PrivateKey_file(context, identity.key, SSL_FILETYPE_PEM)
            }
        }
        guard status == 1, unsafe SSL_CTX_check_private_key(context) == 1 else {
            throw .unusable(
                identity.key, as: names.1,
                "it has to hold the certificate's key in PEM, with tls-key-file-pass where it is encrypted")
        }
    }
}
