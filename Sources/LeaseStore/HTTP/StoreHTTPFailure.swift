internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Why a store gave no answer.
struct StoreHTTPFailure: Error, Equatable {
    /// For people, to stand behind the address.
    var reason: String
    /// Whether the store may have got the request: then it is not known whether it was carried out.
    var mayHaveBeenSent: Bool

    init(reason: String, mayHaveBeenSent: Bool) {
        self.reason = reason
        self.mayHaveBeenSent = mayHaveBeenSent
    }

    init(_ error: any Error, deadline: Duration) {
        switch error {
        case let error as HTTPClientError: self.init(client: error, deadline: deadline)
        case is CancellationError: self.init(reason: "the question was cancelled", mayHaveBeenSent: true)
        case is NIOTooManyBytesError:
            self.init(reason: "its answer has more than \(StoreHTTP.maximumBytes) bytes", mayHaveBeenSent: true)
        case let error as NIOConnectionError: self.init(error)
        case let error as IOError:
            let before = [ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL].contains(error.errnoCode)
            self.init(reason: systemText(error.errnoCode), mayHaveBeenSent: !before)
        case NIOSSLError.uncleanShutdown:
            self.init(reason: "the connection was closed before the answer", mayHaveBeenSent: true)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: self.init(tls: "\(error)")
        default: self.init(reason: "no answer in HTTP", mayHaveBeenSent: true)
        }
    }

    private init(client error: HTTPClientError, deadline: Duration) {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout:
            self.init(reason: "no connection within \(shown(StoreHTTP.connectTime))", mayHaveBeenSent: false)
        case .tlsHandshakeTimeout:
            self.init(
                reason: "no TLS handshake within \(shown(StoreHTTP.connectTime)): does this port speak TLS?",
                mayHaveBeenSent: false)
        case .alreadyShutdown: self.init(reason: "the lease store was shut down", mayHaveBeenSent: false)
        case .readTimeout:
            self.init(reason: "nothing came for \(shown(StoreHTTP.watchSilence))", mayHaveBeenSent: true)
        case .deadlineExceeded: self.init(reason: "no answer within \(shown(deadline))", mayHaveBeenSent: true)
        case .remoteConnectionClosed:
            self.init(reason: "the connection was closed before the answer", mayHaveBeenSent: true)
        case .cancelled: self.init(reason: "the question was cancelled", mayHaveBeenSent: true)
        default: self.init(reason: "no answer in HTTP", mayHaveBeenSent: true)
        }
    }

    private init(_ error: NIOConnectionError) {
        let causes = error.connectionErrors.compactMap { ($0.error as? IOError)?.errnoCode }
        let reason =
            causes.first.map(systemText)
            ?? (error.dnsAError != nil || error.dnsAAAAError != nil
                ? "the name \(error.host) has no address" : "no connection within \(shown(StoreHTTP.connectTime))")
        self.init(reason: reason, mayHaveBeenSent: false)
    }

    private init(tls text: String) {
        let reasons = [
            (
                "CERTIFICATE_VERIFY_FAILED",
                "its certificate is not signed by the given authority: check the CA file"
            ),
            (
                "nable to validate",
                "its certificate is for other names: use a name or address that is in it"
            ),
            ("ALERT", "it refuses our TLS: it may ask for a client certificate"),
            ("WRONG_VERSION_NUMBER", "this port does not speak TLS"),
            ("HTTP_REQUEST", "this port does not speak TLS"),
        ]
        let found = reasons.first { text.contains($0.0) }?.1
        // All of these end the handshake; what else may fail, may fail behind it.
        self.init(reason: "TLS: \(found ?? "the connection failed")", mayHaveBeenSent: found == nil)
    }
}

private func systemText(_ code: CInt) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}

/// `1 s`, `250 ms`.
func shown(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    return milliseconds == 0 ? "\(seconds) s" : "\(seconds * 1000 + milliseconds) ms"
}
