import NIOCore
import NIOHTTP1
import ReplicaSidecar
import Telemetry

/// What a request is answered.
///
/// | request | answer |
/// |---|---|
/// | `GET /livez` | 200: this process runs; nobody else is asked |
/// | `GET /readyz` | 200 or 503, and one line why |
/// | `GET /status` | 200, JSON: what is seen, what is decided, and why |
/// | `GET /metrics` | 200, Prometheus's text format |
/// | `POST /v1/confirm` | 200: what is held back is done; 409: nothing is; 403: not from loopback, or from a page |
struct SidecarAnswer {
    var status: HTTPResponseStatus
    var contentType = "text/plain; charset=utf-8"
    var body = ByteBuffer()
    /// The methods that there are, where the one that was used is not among them.
    var allow: String?

    /// - Parameter isLocal: whether it comes from loopback.
    init(_ request: HTTPRequestHead, of sidecar: Sidecar, isLocal: Bool) {
        let path = String(request.uri.prefix { $0 != "?" })
        switch (path, request.method) {
        case ("/livez", .GET), ("/livez", .HEAD): self.init(.ok, line: "live")
        case ("/readyz", .GET), ("/readyz", .HEAD):
            let readiness = sidecar.readiness
            self.init(readiness.isReady ? .ok : .serviceUnavailable, line: readiness.description)
        case ("/status", .GET), ("/status", .HEAD):
            self.init(status: .ok, contentType: "application/json", body: sidecar.status())
        case ("/metrics", .GET), ("/metrics", .HEAD):
            self.init(
                status: .ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: sidecar.metrics().buffer)
        case ("/v1/confirm", .POST):
            // Browsers say where a page that posts is from. Behind a port-forward any page could reach loopback.
            self = Self.confirm(sidecar, isLocal: isLocal && !request.headers.contains(name: "Origin"))
        case ("/v1/confirm", _): self.init(allowing: "POST")
        case ("/livez", _), ("/readyz", _), ("/status", _), ("/metrics", _): self.init(allowing: "GET, HEAD")
        default:
            self.init(
                problem: .notFound, "unknown-path",
                "There is no such path; there are /livez, /readyz, /status, /metrics and /v1/confirm.")
        }
    }

    private static func confirm(_ sidecar: Sidecar, isLocal: Bool) -> SidecarAnswer {
        guard isLocal else {
            return SidecarAnswer(
                problem: .forbidden, "not-from-here",
                "A confirmation is taken from loopback alone, and from no web page: use curl behind kubectl port-forward."
            )
        }
        guard sidecar.confirm() else {
            return SidecarAnswer(problem: .conflict, "nothing-held", "Nothing is held back; see /status.")
        }
        return SidecarAnswer(status: .ok, contentType: "application/json", body: sidecar.status())
    }

    private init(status: HTTPResponseStatus, contentType: String, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    private init(_ status: HTTPResponseStatus, line: String) {
        self.status = status
        body.writeString(line + "\n")
    }

    private init(allowing allow: String) {
        self.init(problem: .methodNotAllowed, "method-not-allowed", "This path takes \(allow).")
        self.allow = allow
    }

    /// RFC 9457, as KVApp's.
    private init(problem status: HTTPResponseStatus, _ code: String, _ detail: String) {
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
