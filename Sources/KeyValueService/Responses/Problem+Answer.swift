import HTTPWire
import NIOCore
import RedisClient
import Telemetry

extension Problem {
    var response: Response { Response(head(), body: body) }

    /// - Parameter server: which server of Redis has answered so, as header lines.
    func head(server: [UInt8] = []) -> ResponseHead {
        var head = ResponseHead(status: status, contentType: .problemJSON)
        head.retryAfterSeconds = retryAfterSeconds
        head.server = server
        if case .methodNotAllowed(let allowed) = self { head.allow = allowed }
        if self == .unauthorized { head.add("WWW-Authenticate", "Bearer") }
        if self == .unsupportedContentEncoding { head.add("Accept-Encoding", "identity") }
        return head
    }

    /// Says what another head says of the server that answered, and in its further fields.
    func head(like other: ResponseHead) -> ResponseHead {
        var head = head(server: other.server)
        head.isStale = other.isStale
        head.add(fieldsOf: other)
        return head
    }

    var body: ByteBuffer {
        var body = ByteBuffer()
        body.writeStaticString("{\"type\":\"/problems/")
        body.writeStaticString(code)
        body.writeStaticString("\",\"title\":\"")
        body.writeStaticString(status.reason)
        body.writeStaticString("\",\"status\":")
        body.writeString("\(status.rawValue)")
        body.writeStaticString(",\"code\":\"")
        body.writeStaticString(code)
        if case .malformedRequest(let malformation) = self {
            body.writeStaticString("\",\"reason\":\"")
            body.writeStaticString(malformation.reason)
        }
        body.writeStaticString("\",\"detail\":\"")
        body.writeJSONEscaped(shown: detail.utf8.span)
        body.writeStaticString("\"}")
        return body
    }
}

extension Problem {
    /// Says where the masters are, where there are several.
    func naming(mastersOf redis: RedisLoop) -> Problem {
        if case .noSingleMaster = self { .noSingleMaster(places: redis.masterPlaces) } else { self }
    }
}
