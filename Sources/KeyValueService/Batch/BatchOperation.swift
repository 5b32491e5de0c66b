import NIOCore
import RedisClient

/// One operation of a batch.
enum BatchOperation: Equatable {
    case get(key: [UInt8])
    /// - Parameter timeToLive: in milliseconds; `nil` for a key that stays.
    case set(key: [UInt8], value: [UInt8], timeToLive: Int64?, ifAbsent: Bool)
    case delete(key: [UInt8])

    /// The one command that performs it.
    var command: RedisCommand {
        switch self {
        case .get: .get
        case .set: .set
        case .delete: .del
        }
    }

    var key: [UInt8] {
        switch self {
        case .get(let key), .set(let key, _, _, _), .delete(let key): key
        }
    }

    var isWrite: Bool {
        switch self {
        case .get: false
        case .set, .delete: true
        }
    }
}

extension ByteBuffer {
    /// Writes the one command that performs the operation.
    mutating func write(_ operation: BatchOperation) {
        switch operation {
        case .get(let key): writeGET(key: key.span)
        case .set(let key, let value, let timeToLive, let ifAbsent):
            writeSET(key: key.span, value: value.span, timeToLive: timeToLive, existence: ifAbsent ? .absent : .any)
        case .delete(let key): writeDEL(key: key.span)
        }
    }
}
