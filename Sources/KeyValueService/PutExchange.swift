import HTTPWire
import NIOCore
import RedisClient

/// `PUT /v1/keys/{key}`: the body is the value. EXISTS goes before SET, so that the answer can tell 201 from 204; between the
/// two another client may write, and the status be the one of a moment before.
final class PutExchange: KeyWriteExchange {
    private let timeToLiveMilliseconds: Int64?
    /// Write only if there is no value yet.
    private let isCreation: Bool
    private var value = ByteBuffer()
    private var existed = false
    private var isRefused = false

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
        if let tags = request.value(of: .ifNoneMatch) {
            guard EntityTagList(parsing: tags) == .any else { throw .unsupportedPrecondition }
            isCreation = true
        } else {
            isCreation = false
        }
        try super.init(request, target, connection: connection, key: key, service: service)
    }

    override func receive(_ body: ByteBuffer) throws(Problem) {
        value = body
        send()
    }

    override class var writeCommands: Int { 2 }

    override func encodeWrite(into buffer: inout ByteBuffer) {
        let key = key
        let value = value
        buffer.writeEXISTS(key: key.span)
        buffer.writeSET(
            key: key.span, value: value.readableBytesUInt8Span, timeToLive: timeToLiveMilliseconds, ifAbsent: isCreation
        )
    }

    override func acceptWrite(_ reply: RedisReply, at index: Int) -> Bool {
        switch (reply, index) {
        case (.integer(let count), 0):
            existed = count > 0
            return true
        case (.simple, 1):
            isRefused = false
            return true
        case (.null, 1):
            isRefused = true
            return isCreation
        default: return false
        }
    }

    override var outcome: Result<ResponseStatus, Problem> {
        if isRefused { return .failure(.preconditionFailed) }
        // What NX has stored was not there, whatever EXISTS saw a moment before.
        return .success(existed && !isCreation ? .noContent : .created)
    }

    override func describe(_ head: inout ResponseHead) {
        let value = value
        head.tag = KeyTag(of: value.readableBytesUInt8Span)
    }
}
