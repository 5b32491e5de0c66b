import HTTPWire
import NIOCore
import RedisClient

/// What is done to a key.
enum KeyChange {
    /// - Parameter timeToLive: in milliseconds; `nil` for a key that stays.
    case put(ByteBuffer, timeToLive: Int64?)
    case delete
}

extension KeyChange {
    /// Whether the new value is longer than those that a script compares.
    var isLong: Bool {
        switch self {
        case .put(let value, _): value.readableBytes > CompareScript.limitBytes
        case .delete: false
        }
    }

    var isDeletion: Bool {
        switch self {
        case .put: false
        case .delete: true
        }
    }
}

extension RedisReply {
    /// Whether it is what a SET that was carried out is answered with; within a transaction it would be QUEUED.
    var isOK: Bool {
        switch self {
        case .simple(let text): text.equals("OK")
        case .bulk, .error, .integer, .null, .array: false
        }
    }

    var isError: Bool {
        switch self {
        case .error: true
        case .bulk, .simple, .integer, .null, .array: false
        }
    }
}

extension Span<UInt8> {
    /// Whether an error reply begins with this code.
    func startsWithCode(_ code: StaticString) -> Bool {
        let length = code.utf8CodeUnitCount
        return count >= length && extracting(0..<length).equals(code)
            && (count == length || self[length] == UInt8(ascii: " "))
    }
}

extension ByteBuffer {
    /// Writes the one command of the change.
    mutating func write(_ change: KeyChange, key: Span<UInt8>, _ kind: WriteCondition.Kind) {
        switch change {
        case .put(let value, let timeToLive):
            let existence: WantedExistence =
                switch kind {
                case .absent: .absent
                case .present: .present
                case .always, .never, .compare: .any
                }
            writeSET(
                key: key, value: value.readableBytesUInt8Span, timeToLive: timeToLive, existence: existence)
        case .delete: writeUNLINK(key: key)
        }
    }

    /// Writes ``CompareScript`` and what it takes.
    ///
    /// - Parameter isKnown: whether the server most likely knows it.
    mutating func writeCompare(
        _ change: KeyChange, key: Span<UInt8>, _ condition: WriteCondition, isKnown: Bool
    ) {
        let arguments =
            switch change {
            case .put(_, nil): 4
            case .put: 5
            case .delete: 3
            }
        if isKnown {
            writeEVALSHA(CompareScript.script, key: key, argumentCount: arguments)
        } else {
            writeEVAL(CompareScript.script, key: key, argumentCount: arguments)
        }
        writeArgument("\(CompareScript.limitBytes)".utf8.span)
        writeTags(condition.match)
        writeTags(condition.noneMatch)
        guard case .put(let value, let timeToLive) = change else { return }
        writeArgument(value.readableBytesUInt8Span)
        if let timeToLive { writeArgument("\(timeToLive)".utf8.span) }
    }

    private mutating func writeTags(_ list: EntityTagList?) {
        var bytes: [UInt8] = []
        switch list {
        case nil, .noTag: break
        case .any: bytes.append(UInt8(ascii: "*"))
        case .tags(let tags): bytes = tags.flatMap(\.bytes)
        }
        writeArgument(bytes.span)
    }
}
