import NIOCore
import RedisClient

/// `DELETE /v1/keys/{key}`: a key of any type.
final class DeleteExchange: KeyWriteExchange {
    private var existed = false

    /// A body, which no client has a reason to send, is passed over.
    override func receive(_ body: ByteBuffer) throws(Problem) { send() }

    override func encodeWrite(into buffer: inout ByteBuffer) {
        let key = key
        buffer.writeUNLINK(key: key.span)
    }

    override func acceptWrite(_ reply: RedisReply, at index: Int) -> Bool {
        guard case .integer(let count) = reply else { return false }
        existed = count > 0
        return true
    }

    override var outcome: Result<ResponseStatus, Problem> { existed ? .success(.noContent) : .failure(.keyNotFound) }
}
