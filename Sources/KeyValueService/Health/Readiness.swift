import NIOCore
import RedisClient
import RedisCore
import Telemetry

/// Whether this process can serve a read, and what it sees of each server.
///
/// `{"ready":true,"master":{"endpoint":"redis-master:6379","state":"up"},"replicas":[{"endpoint":…,"state":…}]}`. A dead
/// master is reported, but does not make the process unready: the replicas still answer. Where a token is set, the servers
/// are shown only to clients that send it.
struct Readiness: Equatable, Sendable {
    struct Server: Equatable, Sendable {
        let endpoint: RedisEndpoint
        /// In words for an operator.
        var state: String
    }

    private var isReady: Bool
    /// The master first.
    private var servers: [Server]
    /// What the Sentinels say; `nil` where they do not decide.
    private var sentinel: SentinelReport?

    /// What one event loop sees.
    init(_ redis: RedisLoop, isDraining: Bool) {
        sentinel = redis.sentinelReport
        isReady = !isDraining && redis.reader() != nil
        let replicas = redis.replicas.filter { $0.endpoint != redis.master.endpoint || !redis.isFollowing }
        servers = ([redis.master] + replicas).map { Server(endpoint: $0.endpoint, state: $0.stateInWords) }
        if let doubt = redis.masterDoubt ?? redis.leaderAbsence { servers[0].state = doubt }
    }

    /// What all event loops see together: a connection may come up on any of them, so each has to be ready, and a server's
    /// state is the first that is not good.
    ///
    /// - Parameter loops: 1 or more.
    init(of loops: [Readiness]) {
        precondition(!loops.isEmpty, "a process has an event loop")
        self = loops[0]
        for other in loops.dropFirst() {
            isReady = isReady && other.isReady
            for server in other.servers {
                if let index = servers.firstIndex(where: { $0.endpoint == server.endpoint }) {
                    if servers[index].state == Self.good { servers[index].state = server.state }
                } else {
                    servers.append(server)
                }
            }
        }
    }

    private static let good = RedisConnection.goodState

    /// - Parameter isDetailed: whether the answer lists the servers, with their addresses and problems.
    func response(isDetailed: Bool) -> Response {
        var body = ByteBuffer()
        body.writeStaticString(isReady ? "{\"ready\":true" : "{\"ready\":false")
        if isDetailed { writeServers(into: &body) }
        body.writeStaticString("}")
        var response = Response(status: isReady ? .ok : .serviceUnavailable, contentType: .json, body: body)
        if !isReady { response.head.retryAfterSeconds = 1 }
        return response
    }

    private func writeServers(into body: inout ByteBuffer) {
        body.writeStaticString(",\"master\":")
        Self.write(servers[0], into: &body)
        body.writeStaticString(",\"replicas\":[")
        for (index, server) in servers.dropFirst().enumerated() {
            if index > 0 { body.writeStaticString(",") }
            Self.write(server, into: &body)
        }
        body.writeStaticString("]")
        guard let sentinel else { return }
        body.writeStaticString(",\"sentinel\":")
        body.write(sentinel)
    }

    private static func write(_ server: Server, into body: inout ByteBuffer) {
        body.writeStaticString("{\"endpoint\":\"")
        body.writeJSONEscaped(shown: server.endpoint.description.utf8.span)
        body.writeStaticString("\",\"state\":\"")
        body.writeJSONEscaped(shown: server.state.utf8.span)
        body.writeStaticString("\"}")
    }
}
