package import Failover
import RedisCore

/// What a node's volume remembers of its data: up to where they go, in which term, and how that ended.
///
/// An append-only file carries no replication id, so after a restart from one this is the only position there is.
package struct StoredPosition: Equatable, Sendable {
    package enum State: String, CaseIterable, Sendable {
        /// The server replicated from the leader. What it has is part of the leader's data.
        case following
        /// The server took writes.
        case leading
        /// The server refused writes, and replicated from no node.
        case fenced
        /// The agent ended in order: the position is exact.
        case stopped
    }

    /// The data go at least so far.
    package var position: DataPosition
    /// The server's process that said so (`run_id`).
    package var run: String
    package var state: State

    package init(position: DataPosition, run: String, state: State) {
        self.position = position
        self.run = run
        self.state = state
    }
}

/// Why a position file is of no use.
package enum StoredPositionError: Error, Equatable, Sendable, CustomStringConvertible {
    case otherFile
    case newerFormat
    case damaged

    package var description: String {
        switch self {
        case .otherFile: "it is no position file of redis-replica-kit"
        case .newerFormat: "a newer version of redis-replica-kit wrote it"
        case .damaged: "it is damaged: its checksum or one of its lines is wrong"
        }
    }
}

extension StoredPosition {
    /// No position file is longer, in bytes.
    package static let maximumBytes = 1024
    private static let title = "redis-replica-kit position "
    private static let format = "1"

    /// A line each, and the checksum of all lines before it last.
    package var text: String {
        let lines = [
            Self.title + Self.format, "term \(position.term)", "history \(position.history)",
            "offset \(position.offset)", "run \(run)", "state \(state.rawValue)", "",
        ].joined(separator: "\n")
        return lines + "checksum \(Self.hexadecimal(Self.checksum(lines.utf8)))\n"
    }

    package init(parsing bytes: [UInt8]) throws(StoredPositionError) {
        guard bytes.starts(with: Self.title.utf8) else { throw .otherFile }
        guard bytes.count <= Self.maximumBytes, bytes.allSatisfy({ $0 < 0x80 }) else { throw .damaged }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines[0] == Self.title + Self.format else {
            throw lines[0].utf8.dropFirst(Self.title.utf8.count).first == UInt8(ascii: "1") ? .damaged : .newerFormat
        }
        // The last line ends, too.
        guard lines.count == 8, lines[7].isEmpty else { throw .damaged }
        func value(_ index: Int, _ name: String) throws(StoredPositionError) -> Substring {
            guard lines[index].hasPrefix(name + " ") else { throw .damaged }
            return lines[index].dropFirst(name.utf8.count + 1)
        }
        let covered = lines[..<6].joined(separator: "\n") + "\n"
        guard try value(6, "checksum") == Self.hexadecimal(Self.checksum(covered.utf8)) else { throw .damaged }
        guard let term = UInt64(try value(1, "term")), let offset = Int64(try value(3, "offset")), offset >= 0,
            let state = State(rawValue: String(try value(5, "state")))
        else { throw .damaged }
        let history = String(try value(2, "history"))
        let run = String(try value(4, "run"))
        guard ReplicationID(history) != nil, !run.isEmpty else { throw .damaged }
        self.init(position: DataPosition(term: term, history: history, offset: offset), run: run, state: state)
        // One position has one form: no leading zero, no sign.
        guard Array(text.utf8) == bytes else { throw .damaged }
    }

    /// CRC-32 (ISO 3309).
    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0xedb8_8320 : 0) }
        }
    }

    private static func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
