import Glibc
import Hiredis
import OpenSSL
import RedisCore
import ReplicaPlanning

/// What a replica sends as its answer to SYNC, in the clear or over TLS. It owns the connection.
struct DataStream: ~Copyable {
    let descriptor: Int32
    private let connection: BlockingConnection
    private let session: TLSSession?

    init(_ connection: consuming BlockingConnection, over descriptor: Int32, _ session: TLSSession?) {
        self.connection = connection
        self.descriptor = descriptor
        self.session = session
    }

    /// Whether there is something to read although the socket need not become readable for it.
    var hasPending: Bool { session?.hasPending ?? false }

    /// - Returns: how many bytes came; 0 where none are there yet.
    func read(into buffer: UnsafeMutableRawBufferPointer, from source: MasterAddress) throws(ReseedFailure) -> Int {
        if let session { return try unsafe read(into: buffer, from: source, session) }
        let count = unsafe Glibc.read(descriptor, buffer.baseAddress!, buffer.count)
        if count > 0 { return count }
        if count == -1, errno == EINTR || errno == EAGAIN { return 0 }
        throw Self.ended(source, count == 0 ? "" : ": \(unsafe String(cString: strerror(errno)))")
    }

    private func read(
        into buffer: UnsafeMutableRawBufferPointer, from source: MasterAddress, _ session: TLSSession
    ) throws(ReseedFailure) -> Int {
        do throws(TLSError) {
            switch try unsafe session.read(into: buffer) {
            case .bytes(let count): return count
            case .waits: return 0
            case .closed: break
            }
        } catch {
            throw Self.ended(source, ": \(error)")
        }
        throw Self.ended(source, "")
    }

    private static func ended(_ source: MasterAddress, _ reason: String) -> ReseedFailure {
        .ended("\(source) ended the connection before its data was here\(reason)")
    }
}
