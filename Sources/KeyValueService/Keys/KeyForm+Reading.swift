import NIOCore
import RedisClient

/// What a plain read of a key in this form asks a server.
extension KeyForm {
    /// How many commands ``encode(_:into:)`` writes.
    var commands: Int { self == .document ? 2 : 1 }

    /// Whether INFO replication is asked for behind them, and in which form.
    var information: InformationForm? { self == .original ? .text : nil }

    /// How a large value is taken.
    var largeRead: RedisLoop.LargeRead { self == .bytes ? .streamed : .gathered }

    var contentType: ResponseHead.ContentType { self == .bytes ? .bytes : .json }

    /// Writes the commands in RESP; called again for each server that is asked.
    func encode(_ key: [UInt8], into buffer: inout ByteBuffer) {
        buffer.writeGET(key: key.span)
        if self == .document { buffer.writePTTL(key: key.span) }
    }

    /// The command that is answered at the index.
    func command(at index: Int) -> RedisCommand { self == .document && index > 0 ? .pttl : .get }
}
