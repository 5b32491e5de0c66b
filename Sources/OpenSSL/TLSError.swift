internal import COpenSSL

/// Why there is no TLS, in words with the cure, and without a secret.
public struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

extension TLSError {
    /// What OpenSSL's queue of errors says; the queue is empty afterwards.
    static func takeReason() -> (number: Int32, text: String) {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        let text = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) }
        return (openssl_reason(code), text ?? "no reason given")
    }

    static func unusable(_ path: String, as directive: String, _ cure: String) -> TLSError {
        TLSError("\(path) (\(directive)) cannot be used: \(takeReason().text); \(cure)")
    }

    /// A certificate of the other end that does not pass.
    ///
    /// - Parameter result: of SSL_get_verify_result.
    static func certificate(_ result: Int, isServer: Bool) -> TLSError {
        let whose = isServer ? "the client's" : "its"
        let words = unsafe String(cString: X509_verify_cert_error_string(result))
        let cure =
            switch Int32(result) {
            case X509_V_ERR_CERT_HAS_EXPIRED: "renew that certificate, or its authority's"
            case X509_V_ERR_CERT_NOT_YET_VALID: "check the clocks of both machines"
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
                "set REDIS_TLS_SERVER_NAME to a name that it holds, or unset it"
            case X509_V_ERR_INVALID_PURPOSE: "its extended key usage has to allow \(isServer ? "clients" : "servers")"
            default: "tls-ca-cert-file or tls-ca-cert-dir has to hold the authority that signed it"
            }
        return TLSError("\(whose) certificate does not pass (\(words)): \(cure)")
    }

    /// A failed handshake, or what came instead of data.
    static func failed(isClient: Bool) -> TLSError {
        let (number, text) = takeReason()
        switch number {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_HTTP_REQUEST:
            return TLSError("it does not speak TLS at this port; name the TLS port, or switch TLS off on both")
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return TLSError(
                "it refuses the connection (\(text)): it may ask for a certificate (tls-auth-clients yes), so set "
                    + "tls-client-cert-file and tls-client-key-file, or tls-cert-file and tls-key-file")
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
            SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
            SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
            SSL_R_TLSV1_ALERT_DECRYPT_ERROR, SSL_R_TLSV1_ALERT_ACCESS_DENIED:
            return TLSError(
                "it refuses the certificate that it was shown (\(text)): have one signed by an authority that it knows, and "
                    + "not expired")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_NO_SHARED_CIPHER,
            SSL_R_NO_PROTOCOLS_AVAILABLE:
            return TLSError("no version or cipher in common (\(text)): compare tls-protocols and tls-ciphers of both")
        default: return TLSError("TLS failed: \(text)")
        }
    }
}
