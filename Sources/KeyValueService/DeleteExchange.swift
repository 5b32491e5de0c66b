import NIOCore

/// `DELETE /v1/keys/{key}`: a key of any type.
final class DeleteExchange: KeyWriteExchange {
    /// A body, which no client has a reason to send, is passed over.
    override func receive(_ body: ByteBuffer) throws(Problem) { try write(.delete) }
}
