package import HTTPWire
package import NIOCore
package import NIOHTTP1
import ReplicaReconciler
import Telemetry

/// What a request is answered.
///
/// | request | answer |
/// |---|---|
/// | `GET /livez` | 200: this process runs; no server is asked |
/// | `GET /readyz` | 200 or 503, and one line why |
/// | `GET /status` | 200, JSON: what is seen, what is decided, and why |
/// | `GET /metrics` | 200, Prometheus's text format |
/// | `POST /v1/confirm` | 200: the blocked change is made; 409: none is blocked; 401, 403: over TCP, without the token |
package struct SidecarAnswer {
    package var status: HTTPResponseStatus
    package var contentType = "text/plain; charset=utf-8"
    package var body = ByteBuffer()
    /// The methods that there are, where the one that was used is not among them.
    var allow: String?

    /// How a client has come.
    package enum Way {
        /// Over the Unix socket, which the sidecar's own user and root alone can open.
        case socket
        /// Over TCP. The peer's address proves nothing: behind a proxy beside the sidecar every client comes from loopback.
        ///
        /// With the names by which the sidecar may be called; `nil` for every name.
        case network(AllowedHosts?)
    }

    /// - Parameter completion: called once, on the event loop; within this call, but for what others are asked for, and while
    ///   the sidecar is starting.
    static func make(
        to request: HTTPRequestHead, of starting: StartingSidecar, over way: Way,
        _ completion: @escaping (SidecarAnswer) -> Void
    ) {
        if let refusal = refusal(of: request, over: way) { return completion(refusal) }
        let path = String(request.uri.prefix { $0 != "?" })
        let isRead = request.method == .GET || request.method == .HEAD
        if path == "/livez", isRead { return completion(SidecarAnswer(.ok, line: "live")) }
        starting.whenStarted { sidecar in
            guard let sidecar else { return completion(SidecarAnswer(whileStartingAt: path)) }
            guard path == "/metrics", isRead else {
                return completion(SidecarAnswer(request, path, of: sidecar, over: way))
            }
            sidecar.metrics { body in
                completion(
                    SidecarAnswer(status: .ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: body))
            }
        }
    }

    private init(_ request: HTTPRequestHead, _ path: String, of sidecar: Sidecar, over way: Way) {
        switch (path, request.method) {
        case ("/readyz", .GET), ("/readyz", .HEAD):
            let readiness = sidecar.readiness
            let verdict = readiness.isReady ? "ready" : "not ready"
            let isDetailed = Self.isDetailed(request, sidecar, over: way)
            self.init(
                readiness.isReady ? .ok : .serviceUnavailable, line: isDetailed ? readiness.description : verdict)
        case ("/status", .GET), ("/status", .HEAD):
            let isDetailed = Self.isDetailed(request, sidecar, over: way)
            self.init(
                status: .ok, contentType: "application/json",
                body: isDetailed ? sidecar.status() : sidecar.briefStatus())
        case ("/v1/confirm", .POST): self = Self.confirm(request, sidecar, over: way)
        case ("/v1/confirm", _): self.init(allowing: "POST")
        case ("/livez", _), ("/readyz", _), ("/status", _), ("/metrics", _): self.init(allowing: "GET, HEAD")
        default:
            self.init(
                problem: .notFound, "unknown-path",
                "There is no such path; there are /livez, /readyz, /status, /metrics and /v1/confirm.")
        }
    }

    /// What is refused regardless of the request's path.
    package static func refusal(of request: HTTPRequestHead, over way: Way) -> SidecarAnswer? {
        if request.headers["Authorization"].count > 1 {
            return SidecarAnswer(
                problem: .badRequest, "several-authorizations",
                "The field Authorization comes more than once; send one.")
        }
        guard case .network(let hosts?) = way, !hosts.allow(request) else { return nil }
        return SidecarAnswer(
            problem: .forbidden, "host-not-allowed",
            """
            The field Host names another server. Without a token, and listening on loopback only, the sidecar answers to \
            localhost, 127.0.0.1, [::1] and its own address. Add other hosts to SIDECAR_ALLOWED_HOSTS.
            """)
    }

    /// Whether addresses are shown: to all where there is no token, else to those who show it.
    private static func isDetailed(_ request: HTTPRequestHead, _ sidecar: Sidecar, over way: Way) -> Bool {
        guard case .network = way, let token = sidecar.configuration.token else { return true }
        return request.headers["Authorization"].contains(where: token.isShown)
    }

    private init(whileStartingAt path: String) {
        let words = "reads its configuration and secrets; a disk that does not answer holds that up"
        if path == "/readyz" {
            self.init(.serviceUnavailable, line: "not ready: \(words)")
        } else {
            self.init(problem: .serviceUnavailable, "starting", "The sidecar \(words).")
        }
    }

    private static func confirm(_ request: HTTPRequestHead, _ sidecar: Sidecar, over way: Way) -> SidecarAnswer {
        if case .network = way, let refusal = refusal(of: request, sidecar.configuration.token) { return refusal }
        guard sidecar.confirm() else {
            return SidecarAnswer(problem: .conflict, "nothing-held", "Nothing is blocked; see /status.")
        }
        return SidecarAnswer(status: .ok, contentType: "application/json", body: sidecar.status())
    }

    /// Why a confirmation that came over TCP is not taken.
    private static func refusal(of request: HTTPRequestHead, _ token: SidecarToken?) -> SidecarAnswer? {
        // Browsers say where a page that posts is from.
        if request.headers.contains(name: "Origin") || request.headers.contains(name: "Sec-Fetch-Site") {
            return SidecarAnswer(
                problem: .forbidden, "not-from-a-page", "A web page cannot confirm.")
        }
        guard let token else {
            return SidecarAnswer(
                problem: .forbidden, "no-token",
                """
                Over TCP a confirmation needs a token, and SIDECAR_TOKEN_FILE is not set. Run redis-replica-sidecar confirm \
                in the sidecar's container (kubectl exec POD -c sidecar -- /redis-replica-sidecar confirm).
                """)
        }
        guard request.headers["Authorization"].contains(where: token.isShown) else {
            return SidecarAnswer(
                problem: .unauthorized, "unauthorized",
                "A confirmation needs the token of SIDECAR_TOKEN_FILE (Authorization: Bearer …).")
        }
        return nil
    }

    package init(status: HTTPResponseStatus, contentType: String, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package init(_ status: HTTPResponseStatus, line: String) {
        self.status = status
        body.writeString(line + "\n")
    }

    package init(allowing allow: String) {
        self.init(problem: .methodNotAllowed, "method-not-allowed", "This path takes \(allow).")
        self.allow = allow
    }

    /// RFC 9457, as KVApp's.
    package init(problem status: HTTPResponseStatus, _ code: String, _ detail: String) {
        self.status = status
        contentType = "application/problem+json"
        var json = JSONText()
        json.object {
            $0.member("type", "/problems/\(code)")
            $0.member("title", status.reasonPhrase)
            $0.member("status", Int64(status.code))
            $0.member("code", code)
            $0.member("detail", detail)
        }
        json.end()
        body = json.buffer
    }
}

extension AllowedHosts {
    /// As ``allow(_:)`` does, of a head of NIO's.
    fileprivate func allow(_ request: HTTPRequestHead) -> Bool {
        var names = request.headers["Host"]
        guard names.count == 1 || names.isEmpty && request.version != .http1_1 else { return false }
        // An authority in the target counts before Host (RFC 9112 §3.2.2).
        if !request.uri.hasPrefix("/"), let scheme = request.uri.firstRange(of: "://") {
            names.append(String(request.uri[scheme.upperBound...].prefix { !"/?#".contains($0) }))
        }
        return names.allSatisfy { contain(Array($0.utf8).span) }
    }
}
