/// The answers of a placeholder master to its clients while it gets the data from a replica.
///
/// A replica whose link is down gives no RDB (`-NOMASTERLINK`); one whose link is up does, also where nothing comes over that
/// link. So the replica that is the sync source is pointed here, asks to continue at its position in the history,
/// and gets `+CONTINUE`. It stays a read-only replica, and not one byte of its data changes.
///
/// All other clients get the error LOADING: a liveness probe accepts it, a readiness probe does not, another
/// replica asks again in a second. Source: redis/redis `src/replication.c`, `syncWithMaster` and
/// `slaveTryPartialResynchronization`.
public struct ReplicaHandshake: Equatable, Sendable {
    /// A place in a history: what PSYNC asks for.
    public struct Place: Equatable, Sendable {
        public var replicationID: String
        /// The first byte that the replica does not have.
        public var offset: Int64

        public init(replicationID: String, offset: Int64) {
            self.replicationID = replicationID
            self.offset = offset
        }
    }

    public enum Outcome: Equatable, Sendable {
        case talking
        /// The replica is attached.
        case continued
        /// `PSYNC ? -1`: it does not know where it is (its server was restarted from an append-only file), and could only be
        /// given a full copy.
        case knowsNoPlace
        /// Not RESP, or more of it than any replica says.
        case malformed
    }

    /// Who is let in.
    public var place: Place
    public private(set) var outcome = Outcome.talking

    private var pending: [UInt8] = []

    public init(continuingAt place: Place) { self.place = place }

    /// Takes what came and returns what to answer.
    public mutating func take(_ bytes: [UInt8]) -> [UInt8] {
        guard outcome != .malformed else { return [] }
        pending += bytes
        var answer: [UInt8] = []
        while !pending.isEmpty {
            switch Request.first(in: pending) {
            case .incomplete:
                if pending.count > Self.maximumBytes { outcome = .malformed }
                return answer
            case .malformed:
                outcome = .malformed
                return answer
            case .request(let words, let length):
                pending.removeFirst(length)
                answer += self.answer(to: words)
            }
        }
        return answer
    }

    private mutating func answer(to words: [[UInt8]]) -> [UInt8] {
        guard let name = words.first else { return [] }
        switch String(decoding: name, as: UTF8.self).uppercased() {
        case "PING": return utf8("+PONG\r\n")
        // Any password is accepted: it is between the replicas and their master, and there is no data to protect.
        case "AUTH": return utf8("+OK\r\n")
        case "REPLCONF":
            let isAcknowledgement = words.count > 1 && equalsIgnoringCase(words[1], "ack")
            return isAcknowledgement ? [] : utf8("+OK\r\n")
        case "PSYNC" where words.count == 3: return answerToPSYNC(words)
        default: return Self.loading
        }
    }

    private mutating func answerToPSYNC(_ words: [[UInt8]]) -> [UInt8] {
        // Never +CONTINUE to one that knows no place: it has nothing that it could continue.
        if words[1] == utf8("?") {
            outcome = .knowsNoPlace
            return Self.loading
        }
        guard words[1] == utf8(place.replicationID), words[2] == utf8("\(place.offset)") else { return Self.loading }
        outcome = .continued
        return utf8("+CONTINUE \(place.replicationID)\r\n")
    }

    private static let loading = utf8("-LOADING redis-replica-init restores the data of this master from a replica\r\n")
    private static let maximumBytes = 64 << 10
}

/// One request as clients send it: an array of bulk strings, or an inline line.
private enum Request {
    case incomplete
    case malformed
    /// The words, and how many bytes they took.
    case request([[UInt8]], Int)

    static func first(in bytes: [UInt8]) -> Request {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return .incomplete }
        guard bytes[0] == UInt8(ascii: "*") else {
            let words = bytes[..<end].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
            return .request(words.map(Array.init), end + 1)
        }
        guard let count = length(bytes[1..<end]), count <= 64 else { return .malformed }
        var words: [[UInt8]] = []
        var index = end + 1
        for _ in 0..<count {
            guard let lineEnd = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) else { return .incomplete }
            guard bytes[index] == UInt8(ascii: "$"), let size = length(bytes[(index + 1)..<lineEnd]), size <= 64 << 10
            else { return .malformed }
            let start = lineEnd + 1
            guard start + size + 2 <= bytes.count else { return .incomplete }
            words.append(Array(bytes[start..<start + size]))
            index = start + size + 2
        }
        return .request(words, index)
    }

    private static func length(_ line: ArraySlice<UInt8>) -> Int? {
        line.last == UInt8(ascii: "\r") ? number(Array(line.dropLast())) : nil
    }
}
