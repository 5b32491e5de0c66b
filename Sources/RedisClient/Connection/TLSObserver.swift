import NIOCore
import NIOSSL
import NIOTLS

/// Between TLS and the commands: tells what goes wrong in TLS in an operator's words, and closes without a farewell.
///
/// A reply says itself where it ends, so nothing is gained by TLS's own end of the stream; waiting for it from a server that
/// does not answer any more would only hold up the next connect.
final class TLSObserver: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var isHandshakeComplete = false
    private let tls: NIOSSLClientHandler
    private var beneathTLS: ChannelHandlerContext?
    private let tell: (String) -> Void

    /// - Parameter tell: called with what the operator should know, before the channel closes.
    init(of tls: NIOSSLClientHandler, tell: @escaping (String) -> Void) {
        self.tls = tls
        self.tell = tell
    }

    func handlerAdded(context: ChannelHandlerContext) {
        beneathTLS = try? context.pipeline.syncOperations.context(handler: tls)
    }

    func handlerRemoved(context: ChannelHandlerContext) { beneathTLS = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { isHandshakeComplete = true }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let words = Self.words(for: error) { tell(words) }
        context.fireErrorCaught(error)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        (beneathTLS ?? context).close(mode: mode, promise: promise)
    }

    /// BoringSSL's errors (`ssl/ssl_lib.cc`, `err_data`: the reasons' names), for an operator who can act on them.
    private static func words(for error: any Error) -> String? {
        if case NIOSSLError.uncleanShutdown = error { return nil }
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "shows a TLS certificate of another name: set REDIS_TLS_SERVER_NAME to a name it holds, "
                + "or REDIS_TLS_VERIFY=ca"
        }
        let text = "\(error)"
        for (reason, words) in reasons where text.contains(reason) { return words }
        guard error is NIOSSLError || error is BoringSSLError else { return nil }
        return "cannot be spoken to by TLS: \(reasonNames(in: text))"
    }

    /// The reasons in BoringSSL's words; where its source was compiled stands beside each, and is left out.
    private static func reasonNames(in text: String) -> String {
        let marker = "OPENSSL_internal:"
        let names = text.ranges(of: marker).map { text[$0.upperBound...].prefix { $0 != " " && $0 != "]" } }
        return names.isEmpty ? "the connection ended in the handshake" : names.joined(separator: ", ")
    }

    private static let reasons = [
        (
            "CERTIFICATE_VERIFY_FAILED",
            "shows a TLS certificate that no authority in REDIS_TLS_CA_FILE has signed, or that is not valid now"
        ),
        (
            "WRONG_VERSION_NUMBER", "does not speak TLS on this port: set REDIS_TLS_ENABLED=no, or the port for TLS"
        ),
        (
            "CERTIFICATE_REQUIRED",
            "asks for a client certificate: set REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE"
        ),
        ("HANDSHAKE_FAILURE", "ends the TLS handshake: it may ask for a client certificate, or for other ciphers"),
        ("UNKNOWN_CA", "does not trust the certificate in REDIS_TLS_CERT_FILE"),
        ("BAD_CERTIFICATE", "does not accept the certificate in REDIS_TLS_CERT_FILE"),
        ("CERTIFICATE_EXPIRED", "says that the certificate in REDIS_TLS_CERT_FILE has expired"),
        ("EOF during handshake", "closes the connection in the TLS handshake"),
    ]
}
