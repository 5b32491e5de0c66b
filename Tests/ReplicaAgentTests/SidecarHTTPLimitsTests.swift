import LocalTopology
import Logging
import NIOCore
import NIOPosix
import ReplicaAgent
import ReplicaPlanning
import ReplicaReconciler
import Testing

@Suite("The limits of the sidecar's connections")
struct SidecarHTTPLimitsTests {
    @Test("one that asks nothing for too long is closed, and one that goes on asking is not")
    func idle() async throws {
        var limits = SidecarHTTP.Limits()
        limits.idleTime = .milliseconds(500)
        try await withListener(limits) { endpoint in
            let clock = ContinuousClock()
            let start = clock.now
            async let idle = LoopbackHTTP.transcript(of: [], with: endpoint)
            async let begun = LoopbackHTTP.transcript(of: Array("GET /livez HT".utf8), with: endpoint)
            var session = try await LoopbackHTTP.Session(with: endpoint)
            // When the connection was asked for, or its last answered request sent: since then at the most nothing has come.
            var lastAsked = start
            while clock.now - start < .milliseconds(1500) {
                let asked = clock.now
                do {
                    #expect(try await session.ask(.get("/livez")).status == 200)
                } catch {
                    // On a busy machine this client itself may be delayed for so long; only then may it be closed.
                    let silence = clock.now - lastAsked
                    #expect(silence >= .milliseconds(500), "\(error)")
                    lastAsked = clock.now
                    session = try await LoopbackHTTP.Session(with: endpoint)
                    continue
                }
                lastAsked = asked
            }
            #expect(try await idle == "")
            #expect(try await !begun.hasPrefix("HTTP/1.1 200"))
        }
    }

    /// Serves on its own thread until the body is over; its files are still being read.
    private func withListener(_ limits: SidecarHTTP.Limits, _ body: (Endpoint) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let listening = eventLoop.makePromise(of: Int.self)
        let environment = Environment(entries: [Array("REDIS_CONFIG_FILE=/dev/null".utf8)])
        let configuration = SidecarConfiguration(
            reconciler: .init(configured: nil), readiness: ReadinessBounds(), environment: environment,
            identity: Identity(userID: 999, groupID: 999), server: .socket(Array("/nowhere".utf8)))
        eventLoop.execute {
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let starting = StartingSidecar(configuration, eventLoop: eventLoop, logger: logger)
            SidecarHTTP.listen(host: "127.0.0.1", port: 0, limits: limits, for: starting) { result in
                listening.completeWith(result.map { $0.address.port ?? 0 })
            }
        }
        do {
            try await body(Endpoint(port: try await listening.futureResult.get()))
            try await group.shutdownGracefully()
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }
}
