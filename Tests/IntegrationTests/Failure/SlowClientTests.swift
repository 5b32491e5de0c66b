import Dispatch
import Glibc
import LocalTopology
import Testing

@Suite("Slow clients")
struct SlowClientTests {
    /// ``HTTPLimits/transferTimeout`` as KVApp has it.
    static let transferTimeout = Duration.seconds(30)

    static let whole = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    static let set = "POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    static let longSet = set + "Content-Length: 1000\r\n\r\n" + #"{"key":"k""#

    /// What a client sends before it stalls, and what it sends twice a second from then on.
    static let clients: [(what: String, start: String, drip: String)] = [
        ("half a request line", "GET /liv", ""),
        ("half a head", "GET /livez HTTP/1.1\r\nHost: a\r\nX-", ""),
        ("half a head after a request", whole + "GET /livez HTTP/1.1\r\n", ""),
        ("half a body", longSet, ""),
        ("no body", set + "Content-Length: 23\r\n\r\n", ""),
        ("half a body after a request", whole + longSet, ""),
        ("half a chunk", set + "Transfer-Encoding: chunked\r\n\r\na\r\n{\"key\"", ""),
        ("no last chunk", set + "Transfer-Encoding: chunked\r\n\r\na\r\n{\"key\":\"k\"\r\n", ""),
        ("a head field by field", "GET /livez HTTP/1.1\r\nHost: a\r\n", "X: a\r\n"),
        ("a body byte by byte", longSet, " "),
    ]

    @Test(
        "a head or a body that does not come to its end gets 408 and a close in time, and others are served meanwhile")
    func stalled() async throws {
        let system = try KeyValueCluster(apps: 1)
        var app = system.apps[0]
        app.readiness = .running
        let endpoint = app.endpoint
        try await withLocalCluster(ClusterSpec([app])) { cluster in
            try await cluster.wait(untilServed: .get("/livez"), by: "app-1")
            async let stalls = Self.stalls(at: endpoint)
            let half = ContinuousClock.now + Self.transferTimeout / 2
            try await cluster.wait(until: "the clients have stalled for a while", within: .seconds(60)) {
                let served = try await cluster.http("app-1", .get("/livez"))[0].status
                #expect(served == 200)
                return Observation(ContinuousClock.now > half, else: "not yet")
            }
            for stall in try await stalls {
                let seen = "'\(stall.transcript)', closed after \(stall.closedAfter.map { "\($0)" } ?? "-")"
                #expect(stall.isRefusedInTime, "\(stall.what): \(seen)")
            }
            #expect(try await cluster.http("app-1", .get("/livez"))[0].status == 200)
        }
    }

    struct Stall: Sendable {
        let what: String
        let drip: String
        var transcript = ""
        /// `nil` where the app had not closed the connection when we gave up.
        var closedAfter: Duration?

        var isRefusedInTime: Bool {
            let answers = transcript.split(separator: "HTTP/1.1 ")
            guard answers.count == (what.hasSuffix("after a request") ? 2 : 1), let refusal = answers.last,
                refusal.hasPrefix("408 "), refusal.contains("request-timeout"),
                refusal.contains("\r\nConnection: close\r\n"), let closedAfter
            else { return false }
            // Deadlines are looked at once a second, against a clock of that step.
            return (transferTimeout - .seconds(1))...(transferTimeout + .milliseconds(2500)) ~= closedAfter
        }
    }

    /// Has all clients stall at once, until the app has closed the last one or ought to have.
    private static func stalls(at endpoint: Endpoint) async throws -> [Stall] {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "slow clients").async {
                continuation.resume(with: Result { try watch(endpoint) })
            }
        }
    }

    private static func watch(_ endpoint: Endpoint) throws -> [Stall] {
        let began = ContinuousClock.now
        var stalls = clients.map { Stall(what: $0.what, drip: $0.drip) }
        var open: [Int: LoadSocket] = [:]
        for (index, client) in clients.enumerated() {
            let socket = try LoadSocket(to: endpoint)
            var bytes = Array(client.start.utf8)
            try socket.send(&bytes)
            open[index] = socket
        }
        var nextDrip = began
        while !open.isEmpty, .now - began < transferTimeout + .seconds(5) {
            let drips = ContinuousClock.now >= nextDrip
            if drips { nextDrip += .milliseconds(500) }
            for (index, socket) in open {
                // Who was answered 408 sends no more.
                if drips, !stalls[index].drip.isEmpty, stalls[index].transcript.isEmpty {
                    var drip = Array(stalls[index].drip.utf8)
                    try socket.send(&drip)
                }
                switch socket.receive() {
                case .nothing: break
                case .bytes(let bytes): stalls[index].transcript += String(decoding: bytes, as: UTF8.self)
                case .end:
                    stalls[index].closedAfter = .now - began
                    open[index] = nil
                }
            }
            var entries = open.values.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            poll(&entries, nfds_t(entries.count), 50)
        }
        return stalls
    }
}
