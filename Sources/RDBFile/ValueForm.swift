import ReplicaPlanning

/// How a value lies in the file (redis/redis `src/rdb.h`, `RDB_TYPE_…`).
enum ValueForm: Equatable {
    case string
    case list
    case set
    /// - Parameter isBinary: scores of eight bytes, else as text.
    case sortedSet(isBinary: Bool)
    case hash
    case module
    case packedList
    /// Nodes, each a ziplist.
    case ziplistNodes
    /// Nodes, each a listpack or one element.
    case listpackNodes
    case intset
    case packedSet
    case packedSortedSet(isListpack: Bool)
    case packedHash(isListpack: Bool)
    /// A listpack of fields, values and times of expiry.
    /// - Parameter hasEarliest: the earliest time stands before it.
    case packedExpiringHash(hasEarliest: Bool)
    /// Redis': the time, the field, the value. With ``hasEarliest`` the times count from the earliest.
    case expiringHash(hasEarliest: Bool)
    /// Valkey's: the field, the value, the time.
    case valkeyExpiringHash
    /// - Parameter version: 1…3.
    case stream(version: Int)

    init?(_ kind: UInt8, in format: RDBHeader.Format) {
        switch kind {
        case 0: self = .string
        case 1: self = .list
        case 2: self = .set
        case 3: self = .sortedSet(isBinary: false)
        case 4: self = .hash
        case 5: self = .sortedSet(isBinary: true)
        case 7: self = .module
        case 10: self = .packedList
        case 11: self = .intset
        case 12: self = .packedSortedSet(isListpack: false)
        case 13: self = .packedHash(isListpack: false)
        case 14: self = .ziplistNodes
        case 15: self = .stream(version: 1)
        case 16: self = .packedHash(isListpack: true)
        case 17: self = .packedSortedSet(isListpack: true)
        case 18: self = .listpackNodes
        case 19: self = .stream(version: 2)
        case 20: self = .packedSet
        case 21: self = .stream(version: 3)
        // From here on Redis and Valkey give the same numbers to different things.
        case 22 where format.isValkey: self = .valkeyExpiringHash
        case 22...25 where format.isValkey: return nil
        case 22: self = .expiringHash(hasEarliest: false)
        case 23: self = .packedExpiringHash(hasEarliest: false)
        case 24: self = .expiringHash(hasEarliest: true)
        case 25: self = .packedExpiringHash(hasEarliest: true)
        default: return nil
        }
    }

    /// - Parameter module: the number of the module's type.
    func type(_ module: UInt64?) -> RDBValueType {
        switch self {
        case .string: .string
        case .list, .packedList, .ziplistNodes, .listpackNodes: .list
        case .set, .intset, .packedSet: .set
        case .sortedSet, .packedSortedSet: .sortedSet
        case .hash, .packedHash, .packedExpiringHash, .expiringHash, .valkeyExpiringHash: .hash
        case .stream: .stream
        case .module: .module(Self.moduleName(module ?? 0))
        }
    }

    /// Nine characters of six bits each, in front of ten bits of version.
    private static func moduleName(_ number: UInt64) -> String {
        let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        return String((0..<9).map { characters[Int(truncatingIfNeeded: number >> UInt64(58 - 6 * $0)) & 0x3F] })
    }
}
