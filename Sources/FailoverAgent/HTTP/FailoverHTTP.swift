package import Logging
package import NIOCore
package import NIOHTTP1
package import ReplicaAgent

/// Answers an agent's HTTP: probes, status and metrics over TCP; orders over the Unix socket alone.
///
/// | request | answer |
/// |---|---|
/// | `GET /livez` | 200: this process runs |
/// | `GET /readyz` | 200: the server leads, or replicates from who leads; 503, and one line why |
/// | `GET /status` | 200, JSON; with `?table` text for people |
/// | `GET /metrics` | 200, Prometheus's text format |
/// | `POST /v1/switchover`, `?to=NODE` | 200: that node leads now; 409: why not |
/// | `POST /v1/failover`, `?force` | 200: this node leads now; 409: why not, or what would be lost |
/// | `POST /v1/pause`, `POST /v1/resume` | 200: automatic fail-over is off, on; 409: why not |
package final class FailoverHTTP: HTTPAnswering {
    package let eventLoop: any EventLoop
    package let logger: Logger
    private let loop: AgentLoop
    private let reports: ServerReports?
    /// Those who get the next text of `/metrics`; no more than there are connections.
    private var waitingForMetrics: [(ByteBuffer) -> Void] = []
    private var isMakingMetrics = false

    /// Must be called on the agent's event loop.
    ///
    /// - Parameter reports: for the server's own metrics; `nil`: without them.
    package init(_ agent: FailoverAgent, reports: ServerReports? = nil, logger: Logger) {
        self.reports = reports
        loop = agent.loop.value
        eventLoop = loop.eventLoop
        self.logger = logger
    }

    package func answer(
        _ request: HTTPRequestHead, over way: SidecarAnswer.Way, _ completion: @escaping (SidecarAnswer) -> Void
    ) {
        if let refusal = SidecarAnswer.refusal(of: request, over: way) { return completion(refusal) }
        let parts = request.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts[0])
        let query = parts.count > 1 ? String(parts[1]) : ""
        let isRead = request.method == .GET || request.method == .HEAD
        switch path {
        case "/livez" where isRead: completion(SidecarAnswer(.ok, line: "live"))
        case "/readyz" where isRead:
            let readiness = loop.readiness
            completion(SidecarAnswer(readiness.isReady ? .ok : .serviceUnavailable, line: readiness.words))
        case "/status" where isRead:
            if query == "table" {
                return completion(
                    SidecarAnswer(
                        status: .ok, contentType: "text/plain; charset=utf-8",
                        body: ByteBuffer(string: loop.statusTable())))
            }
            completion(SidecarAnswer(status: .ok, contentType: "application/json", body: loop.statusDocument()))
        case "/metrics" where isRead:
            metrics { text in
                completion(
                    SidecarAnswer(status: .ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: text))
            }
        case "/livez", "/readyz", "/status", "/metrics": completion(SidecarAnswer(allowing: "GET, HEAD"))
        case "/v1/switchover", "/v1/failover", "/v1/pause", "/v1/resume":
            guard request.method == .POST else { return completion(SidecarAnswer(allowing: "POST")) }
            guard case .socket = way else {
                return completion(
                    SidecarAnswer(
                        problem: .forbidden, "not-over-tcp",
                        "Orders are taken over the Unix socket alone: run redis-replica-sidecar in this container."))
            }
            order(path, query, completion)
        default:
            completion(
                SidecarAnswer(
                    problem: .notFound, "unknown-path",
                    "There is no such path; there are /livez, /readyz, /status and /metrics."))
        }
    }

    /// The local server is asked for all of it now, as redis_exporter asks when it is scraped. One text at a time; those who
    /// ask meanwhile share the next one.
    private func metrics(_ completion: @escaping (ByteBuffer) -> Void) {
        guard let reports else { return completion(loop.metricsText(nil)) }
        waitingForMetrics.append(completion)
        guard !isMakingMetrics else { return }
        isMakingMetrics = true
        let asking = waitingForMetrics
        waitingForMetrics = []
        reports.ask { report in
            let text = self.loop.metricsText { $0.add(server: report) }
            self.isMakingMetrics = false
            for completion in asking { completion(text) }
            let waiting = self.waitingForMetrics
            self.waitingForMetrics = []
            // Not at once: probes have their turn before the next text is made.
            self.eventLoop.assumeIsolated().execute { for completion in waiting { self.metrics(completion) } }
        }
    }

    private func order(_ path: String, _ query: String, _ completion: @escaping (SidecarAnswer) -> Void) {
        func end(_ result: FailoverAgent.OrderResult, _ done: (String) -> String) {
            switch result {
            case .success(let name): completion(SidecarAnswer(.ok, line: done(name)))
            case .failure(let error): completion(SidecarAnswer(.conflict, line: "\(error)"))
            }
        }
        switch path {
        case "/v1/switchover":
            let target = query.hasPrefix("to=") ? String(query.dropFirst(3)) : nil
            loop.handOver(to: target) { end($0) { "\($0) leads" } }
        case "/v1/failover":
            guard query == "force" else { return completion(SidecarAnswer(.conflict, line: loop.forceQuestion)) }
            loop.force { end($0) { "\($0) leads" } }
        case "/v1/pause": loop.pause(true) { end($0) { _ in "automatic fail-over is paused on all nodes" } }
        default: loop.pause(false) { end($0) { _ in "automatic fail-over is active on all nodes" } }
        }
    }
}
