internal import COpenSSL

/// TLS over a connected socket that does not block. It owns its state and not the socket.
@safe
public final class TLSSession {
    /// What has to come before the same call is made again.
    public enum Wait: Equatable, Sendable {
        case readable
        case writable
    }

    public enum Progress: Equatable, Sendable {
        case done
        case waits(Wait)
    }

    public enum Transfer: Equatable, Sendable {
        case bytes(Int)
        case waits(Wait)
        /// The other end has closed.
        case closed
    }

    private let session: OpaquePointer
    private let isClient: Bool

    public init(_ context: TLSContext, over descriptor: CInt) throws(TLSError) {
        ERR_clear_error()
        guard let session = unsafe SSL_new(context.context) else {
            throw TLSError("OpenSSL cannot be used: \(TLSError.takeReason().text)")
        }
        unsafe self.session = session
        if case .client(let name) = context.role {
            isClient = true
            unsafe SSL_set_connect_state(session)
            if let name { try expect(name) }
        } else {
            isClient = false
            unsafe SSL_set_accept_state(session)
        }
        guard unsafe SSL_set_fd(session, descriptor) == 1 else { throw .failed(isClient: isClient) }
    }

    deinit { unsafe SSL_free(session) }

    private func expect(_ name: String) throws(TLSError) {
        // An address is compared with the addresses in the certificate, and is no server name to send.
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name) == 1 { return }
        ERR_clear_error()
        guard unsafe SSL_set1_host(session, name) == 1, unsafe openssl_set_server_name(session, name) == 1 else {
            throw TLSError("REDIS_TLS_SERVER_NAME is no name that a certificate can hold")
        }
    }

    /// Goes on with the handshake.
    public func shakeHands() throws(TLSError) -> Progress {
        ERR_clear_error()
        let status = unsafe SSL_do_handshake(session)
        if status == 1 { return .done }
        switch try outcome(of: status) {
        case .waits(let wait): return .waits(wait)
        case .closed, .bytes: throw TLSError("it ended the connection during the TLS handshake")
        }
    }

    /// Whether bytes were received that ``read(into:)`` has not given yet: the socket need not become readable for them.
    public var hasPending: Bool { unsafe SSL_has_pending(session) == 1 }

    /// - Parameter buffer: not empty.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSError) -> Transfer {
        ERR_clear_error()
        let status = unsafe SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count))
        return status > 0 ? .bytes(Int(status)) : try outcome(of: status)
    }

    /// - Parameter buffer: not empty. After ``Transfer/waits(_:)`` the same bytes are given again.
    public func write(_ buffer: UnsafeRawBufferPointer) throws(TLSError) -> Transfer {
        ERR_clear_error()
        let status = unsafe SSL_write(session, buffer.baseAddress, Int32(clamping: buffer.count))
        return status > 0 ? .bytes(Int(status)) : try outcome(of: status)
    }

    /// Reads to the front of an array that is not empty.
    public func read(into bytes: inout [UInt8]) throws(TLSError) -> Transfer {
        try unsafe bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(TLSError) in try unsafe read(into: buffer) }
        }.get()
    }

    /// Writes from the front of bytes that are not empty.
    public func write(_ bytes: ArraySlice<UInt8>) throws(TLSError) -> Transfer {
        try unsafe bytes.withUnsafeBytes { buffer in
            Result { () throws(TLSError) in try unsafe write(buffer) }
        }.get()
    }

    private func outcome(of status: Int32) throws(TLSError) -> Transfer {
        switch unsafe SSL_get_error(session, status) {
        case SSL_ERROR_WANT_READ: return .waits(.readable)
        case SSL_ERROR_WANT_WRITE: return .waits(.writable)
        case SSL_ERROR_ZERO_RETURN, SSL_ERROR_SYSCALL: return .closed
        default:
            let result = unsafe SSL_get_verify_result(session)
            if result != Int(X509_V_OK) {
                ERR_clear_error()
                throw .certificate(result, isServer: !isClient)
            }
            throw .failed(isClient: isClient)
        }
    }
}
