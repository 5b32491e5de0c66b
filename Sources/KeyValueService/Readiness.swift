import NIOCore
import NIOHTTP1
import RedisClient
import Replication

/// Whether this process can serve a read, and what it sees of each server.
///
/// `{"ready":true,"master":{"endpoint":"redis-master:6379","state":"up"},"replicas":[{"endpoint":…,"state":…}]}`. A dead
/// master is told, and does not make the process unready: the replicas still answer.
struct Readiness {
    private let isReady: Bool
    private let servers: [(endpoint: RedisEndpoint, state: String)]

    init(_ redis: RedisLoop, isDraining: Bool) {
        isReady = !isDraining && redis.reader() != nil
        servers = ([redis.master] + redis.replicas).map { ($0.endpoint, Self.state(of: $0)) }
    }

    private static func state(of connection: RedisConnection) -> String {
        if let trouble = connection.trouble { return trouble }
        return switch connection.health {
        case .unknown: "is not known yet"
        case .loading: "is loading its data"
        case .refused(let reason): reason
        case .serving:
            switch connection.readSuitability {
            case .fresh, nil: "up"
            case .stale: "up, but its link to the master is down"
            case .unusable(let reason): reason.rawValue
            }
        }
    }

    var response: Response {
        var body = ByteBuffer()
        body.writeStaticString(isReady ? "{\"ready\":true,\"master\":" : "{\"ready\":false,\"master\":")
        Self.write(servers[0], into: &body)
        body.writeStaticString(",\"replicas\":[")
        for (index, server) in servers.dropFirst().enumerated() {
            if index > 0 { body.writeStaticString(",") }
            Self.write(server, into: &body)
        }
        body.writeStaticString("]}")
        var response = Response(status: isReady ? .ok : .serviceUnavailable, contentType: .json, body: body)
        if !isReady { response.retryAfterSeconds = 1 }
        return response
    }

    private static func write(_ server: (endpoint: RedisEndpoint, state: String), into body: inout ByteBuffer) {
        body.writeStaticString("{\"endpoint\":\"")
        body.writeJSONEscaped(server.endpoint.description.utf8.span)
        body.writeStaticString("\",\"state\":\"")
        body.writeJSONEscaped(server.state.utf8.span)
        body.writeStaticString("\"}")
    }
}
