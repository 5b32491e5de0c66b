import HTTPWire
import NIOCore
import RedisClient

/// `PUT /v1/keys/{key}`: the body is the value. EXISTS goes before SET, so that the answer can tell 201 from 204; between the
/// two another client may write, and the status be the one of a moment before.
final class PutHandler: KeyWriteHandler {
    private let timeToLiveMilliseconds: Int64?

    /// - Throws: what is wrong in the query, and ``Problem/unsupportedPrecondition``.
    override init(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, connection: HTTPConnection, key: [UInt8],
        service: KeyValueService
    ) throws(Problem) {
        timeToLiveMilliseconds =
            if let text = try target.queryValue("ttl") {
                try DurationText.milliseconds(text.span, of: "ttl", in: .timeToLive)
            } else {
                nil
            }
        try super.init(request, target, connection: connection, key: key, service: service)
    }

    override func receive(_ body: ByteBuffer) throws(Problem) {
        try write(.put(body, timeToLive: timeToLiveMilliseconds))
    }

    override func tooLong(limitBytes: Int) -> Problem {
        let isAllowed = service.http.limits.maximumBodyBytes > limitBytes
        return isAllowed ? .lengthRequired(limitBytes: limitBytes) : .bodyTooLarge(limitBytes: limitBytes)
    }
}
