import HTTPWire
import Logging
import NIOCore
import RedisClient

/// Lines about answers: one of so many, and all that failed, as long as they are few. Of one event loop.
final class AccessLog {
    /// As many answers that failed are logged in a second.
    static let failuresASecond = 10

    private let logger: Logger
    private let sample: Int
    /// How many answers are skipped before the next one that is logged.
    private var passed: Int
    private var failures = 0
    /// Whether a request that could not be read has been logged in this second.
    private var hasToldOfUnreadable = false

    /// - Parameter sample: of so many answers one is logged; 0 for none of those that did not fail.
    init(logger: Logger, sample: Int) {
        self.logger = logger
        self.sample = sample
        self.passed = sample == 0 ? .max : sample
    }

    /// Called with every answer.
    func note(_ handler: RequestHandler, _ head: borrowing ResponseHead, bodyBytes: Int, duration: TimeAmount) {
        passed &-= 1
        if passed > 0, !head.status.isFailure { return }
        logIfDue(handler, head, bodyBytes: bodyBytes, duration: duration)
    }

    @inline(never)
    private func logIfDue(
        _ handler: RequestHandler, _ head: borrowing ResponseHead, bodyBytes: Int, duration: TimeAmount
    ) {
        let isSample = passed == 0
        if passed <= 0 { passed = sample == 0 ? .max : sample }
        if head.status.isFailure {
            failures += 1
            guard isSample || failures <= Self.failuresASecond else { return }
        }
        let level: Logger.Level = head.status.isFailure ? .warning : .info
        logger.log(
            level: level, "answered \(head.status.rawValue)",
            metadata: Self.metadata(handler, head, bodyBytes: bodyBytes, duration: duration))
    }

    /// Tells that a client sent what is no request, once a second at the most: one that speaks TLS or another protocol never
    /// shows its user what it is answered.
    func noteUnreadable(_ problem: Problem, from client: @autoclosure () -> String) {
        guard !hasToldOfUnreadable else { return }
        hasToldOfUnreadable = true
        var reason = problem.code
        if case .malformedRequest(let malformation) = problem { reason = malformation.reason }
        logger.info(
            "a client sent an invalid HTTP request: \(problem.detail)",
            metadata: ["reason": "\(reason)", "client": "\(client())"])
    }

    /// Tells how many answers that failed were not logged since the last time. Called once a second.
    func endSecond() {
        let leftOut = failures - Self.failuresASecond
        failures = 0
        hasToldOfUnreadable = false
        if leftOut > 0 { logger.warning("\(leftOut) more answers failed in a second and are not logged") }
    }

    /// Tells of connections that were closed since memory for clients was used up, and theirs were the slowest.
    func noteEnded(_ count: Int, limitBytes: Int) {
        logger.warning(
            "closed \(count) connections: the budget of \(limitBytes) bytes for clients was used up, and these were the slowest",
            metadata: ["connections": .stringConvertible(count)])
    }

    /// Never the path: keys may be private.
    private static func metadata(
        _ handler: RequestHandler, _ head: borrowing ResponseHead, bodyBytes: Int, duration: TimeAmount
    ) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "request_id": "\(handler.requestID)",
            "method": "\(handler.method.name)",
            "route": "\(handler.route.pattern)",
            "status": .stringConvertible(head.status.rawValue),
            "duration_ms": .stringConvertible(Double(duration.nanoseconds / 1000) / 1000),
            "bytes": .stringConvertible(bodyBytes),
        ]
        if let trace = handler.tracing?.trace {
            metadata["trace_id"] = "\(trace.traceID)"
            metadata["span_id"] = "\(trace.spanID)"
        }
        if let server = head.servedBy { metadata["served_by"] = "\(server)" }
        return metadata
    }
}

extension ResponseStatus {
    /// Whether the server, or one behind it, is to blame.
    fileprivate var isFailure: Bool { rawValue >= 500 && self != .notImplemented }
}

extension RequestMethod {
    /// As on the wire; those that are not known by name are `other`.
    var name: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .patch: "PATCH"
        case .options: "OPTIONS"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other: "other"
        }
    }
}

extension ResponseHead {
    /// The value of `Served-By`, where a server of Redis answered.
    fileprivate var servedBy: Substring? {
        let text = server.span.text
        let name = "\r\nServed-By: "
        guard text.hasPrefix(name) else { return nil }
        return text.dropFirst(name.count).prefix { $0 != "\r\n" }
    }
}
