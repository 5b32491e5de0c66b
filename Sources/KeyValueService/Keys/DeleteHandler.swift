import NIOCore

/// `DELETE /v1/keys/{key}`: a key of any type.
final class DeleteHandler: KeyWriteHandler {
    /// A body, which no client has a reason to send, is ignored.
    override func receive(_ body: ByteBuffer) throws(Problem) { try write(.delete) }
}
