import Glibc
import LocalTopology
import Synchronization
import Testing

@Suite("The end in order")
struct DrainTests {
    private static let read = LoopbackHTTP.Request.get("/v1/keys/k")

    @Test("SIGTERM: unready at once, every request answered while clients go elsewhere, then the end, with success")
    func terminated() async throws {
        let delay = 3
        try await withApp(["DRAIN_DELAY_SECONDS": "\(delay)"]) { cluster, endpoint in
            let idle = try await LoopbackHTTP.Session(with: endpoint)
            #expect(try await idle.ask(Self.read).header("Connection") == nil)
            let clients = KeepAliveClients(count: 4)
            try await clients.run(Self.read, on: endpoint) {
                try await clients.wait(forAnswers: 200, cluster)
                #expect(clients.state.closing == 0)
                let start = Stopwatch()
                async let ending = cluster.terminate("app")
                try await cluster.wait(untilUnready: endpoint)
                #expect(start.undisturbed < .seconds(1))
                // Each client may still have had an answer under way.
                try await clients.wait(forAnswers: 4, cluster)
                let kept = clients.state.kept
                try await clients.wait(forAnswers: 100, cluster)
                #expect(clients.state.kept == kept, "every answer closes its connection")
                let last = try await idle.ask(Self.read)
                #expect(last.status == 200)
                #expect(last.header("Connection") == "close")
                try await Self.expectPipelined(on: endpoint)
                // By now a load balancer has seen that it is not ready.
                clients.stop()
                let ended = try await ending
                #expect(ended == .exited(code: 0))
                #expect(start.elapsed >= .seconds(delay))
                #expect(start.undisturbed < .seconds(delay + 3))
            }
            #expect(clients.state.failures == [])
            #expect(try await cluster.log(of: "app").contains("SIGTERM received: draining for 3 s"))
        }
    }

    /// Requests that come in one piece are all answered, and the last answer closes.
    private static func expectPipelined(on endpoint: Endpoint) async throws {
        let get = "GET /v1/keys/k HTTP/1.1\r\nHost: a\r\n\r\n"
        let set = "POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n"
        let requests = get + get + set + #"{"key":"k","value":"v"}"# + get
        let transcript = try await LoopbackHTTP.transcript(of: Array(requests.utf8), with: endpoint)
        #expect(transcript.split(separator: "HTTP/1.1 200 OK", omittingEmptySubsequences: false).count == 5)
        #expect(transcript.split(separator: "\r\nConnection: close", omittingEmptySubsequences: false).count == 2)
    }

    @Test("SIGINT, or a second SIGTERM, ends it without the delay")
    func hurried() async throws {
        for signals in [[SIGINT], [SIGTERM, SIGTERM], [SIGTERM, SIGINT]] {
            try await withApp(["DRAIN_DELAY_SECONDS": "300"]) { cluster, endpoint in
                let process = try await cluster.processIdentifier(of: "app")
                kill(process, signals[0])
                for signal in signals.dropFirst() {
                    try await cluster.wait(untilUnready: endpoint)
                    kill(process, signal)
                }
                #expect(try await cluster.waitUntilEnded("app", within: .seconds(5)) == .exited(code: 0))
            }
        }
    }

    @Test("what is not done in time is closed as it is")
    func overdue() async throws {
        try await withApp(["DRAIN_TIMEOUT_SECONDS": "1"]) { cluster, endpoint in
            _ = try await cluster.redis("master", "CLIENT", "PAUSE", "30000", "WRITE")
            async let transcript = LoopbackHTTP.transcript(
                of: Array(
                    ("POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n"
                        + #"{"key":"k","value":"w"}"#).utf8), with: endpoint)
            try await cluster.wait(until: "the request is under way") {
                let blocked = try await cluster.info("master", section: "clients")["blocked_clients"]
                return Observation(blocked == "1", else: "\(blocked ?? "no") blocked clients")
            }
            let start = Stopwatch()
            let ending = try await cluster.terminate("app")
            #expect(ending == .exited(code: 0))
            #expect(start.elapsed >= .seconds(1))
            #expect(start.undisturbed < .seconds(3))
            _ = try? await transcript
            _ = try await cluster.redis("master", "CLIENT", "UNPAUSE")
        }
    }

    /// A master, a replica and an app of two event loops that has the key `k`.
    private func withApp(
        _ environment: [String: String], _ body: (LocalCluster, Endpoint) async throws -> Void
    ) async throws {
        let system = try DirectCluster(replicaLines: [[]], environment: environment, loops: 2)
        var spec = system.spec
        spec.stopDeadline = .seconds(15)
        try await withLocalCluster(spec) { cluster in
            try await cluster.store("k", "v", on: system.replicas)
            try await body(cluster, system.app.endpoint)
        }
    }
}

extension LocalCluster {
    fileprivate nonisolated func wait(untilUnready endpoint: Endpoint) async throws {
        try await wait(until: "/readyz says 503", of: "app") {
            let answer = try await LoopbackHTTP.exchange([.get("/readyz")], with: endpoint)[0]
            return Observation(answer.status == 503, else: answer.text)
        }
    }
}

/// Clients that keep their connections for as long as the server does, and connect again where an answer closes one.
private final class KeepAliveClients: Sendable {
    struct State {
        /// Answers that kept their connection, and answers that closed it.
        var kept = 0, closing = 0
        var failures: [String] = []
        var isOver = false
    }

    private let count: Int
    private let shared = Mutex(State())

    init(count: Int) { self.count = count }

    var state: State { shared.withLock { $0 } }

    func stop() { shared.withLock { $0.isOver = true } }

    /// Asks until it is stopped, at the end of the body at the latest.
    func run(_ request: LoopbackHTTP.Request, on endpoint: Endpoint, during body: () async throws -> Void) async throws
    {
        try await withThrowingTaskGroup { group in
            for _ in 0..<count { group.addTask { await self.ask(request, endpoint) } }
            defer { stop() }
            try await body()
        }
    }

    private func ask(_ request: LoopbackHTTP.Request, _ endpoint: Endpoint) async {
        var session: LoopbackHTTP.Session?
        while !state.isOver {
            do {
                let current: LoopbackHTTP.Session
                if let session { current = session } else { current = try await LoopbackHTTP.Session(with: endpoint) }
                let answer = try await current.ask(request)
                let closes = answer.header("Connection") == "close"
                session = closes ? nil : current
                shared.withLock { state in
                    if closes { state.closing += 1 } else { state.kept += 1 }
                    if answer.status != 200 || answer.text != "v" {
                        state.failures.append("\(answer.status) \(answer.text)")
                    }
                }
            } catch {
                session = nil
                shared.withLock { $0.failures.append("\(error)") }
            }
        }
    }

    func wait(forAnswers count: Int, _ cluster: LocalCluster) async throws {
        let goal = state.kept + state.closing + count
        try await cluster.wait(until: "the clients have \(count) more answers", of: "app") {
            let state = self.state
            return Observation(state.kept + state.closing >= goal, else: "\(state)")
        }
    }
}
