import Hiredis
import NIOCore
import RedisCore

/// Reads one answer to `SENTINEL REPLICAS` as it comes: each replica is read by itself and then forgotten, so that a long list
/// takes no more memory than a short one, and what fits the bounds is kept.
struct SentinelReplicaReader: ~Copyable {
    enum Outcome: Equatable {
        case list(SentinelReplicas)
        /// It answers with an error.
        case refused(String)
        /// What came is no such answer.
        case unreadable(String)
    }

    /// As much of one answer is read.
    static let maximumBytes = 8 << 20
    /// A replica has about 20 fields.
    private static let replica = ExpectedReply(to: "SENTINEL REPLICAS", elements: 256, bytes: 128 << 10)
    private static let maximumLine = 4096

    /// Answers to log-ins that come before it.
    private var logIns: Int
    /// Of the line that has not ended.
    private var line: [UInt8] = []
    /// How many replicas are still to come; `nil` before their number.
    private var left: Int?
    private var takenBytes = 0
    private var reader = ReplyReader(maximumReplyBytes: 128 << 10)
    private var replicas = SentinelReplicas()

    init(logIns: Int) { self.logIns = logIns }

    /// Takes in what came.
    ///
    /// - Returns: what it is, at its end or as soon as a bound is met; then there is nothing more to read. `nil` before that.
    mutating func read(_ bytes: ByteBuffer) -> Outcome? {
        var rest = bytes
        takenBytes += bytes.readableBytes
        while left == nil {
            guard readLine(&rest) else {
                return line.count > Self.maximumLine ? .unreadable("a line without an end") : nil
            }
            defer { line = [] }
            if logIns > 0 {
                logIns -= 1
            } else if let end = begin() {
                return end
            }
        }
        guard var left, left > 0 else { return .list(replicas) }
        var replicas = replicas
        do throws(ReplyReaderError) {
            try reader.read(rest.readableBytesSpan, expecting: Self.replica) { reply in
                if case .array(let fields) = reply { replicas.take(fields.map { $0.text ?? "" }) }
                left -= 1
                return left > 0 && replicas.bound == nil
            }
        } catch {
            return .unreadable("\(error)")
        }
        if left > 0, takenBytes > Self.maximumBytes { replicas.end(at: .bytes(Self.maximumBytes)) }
        self.left = left
        self.replicas = replicas
        return left == 0 || replicas.bound != nil ? .list(replicas) : nil
    }

    /// - Returns: whether the line has ended.
    private mutating func readLine(_ bytes: inout ByteBuffer) -> Bool {
        while line.count <= Self.maximumLine, let byte = bytes.readInteger(as: UInt8.self) {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            return true
        }
        return false
    }

    /// The line that says how many come.
    private mutating func begin() -> Outcome? {
        let text = String(decoding: line.dropFirst(), as: UTF8.self)
        switch line.first {
        case UInt8(ascii: "*"):
            guard let count = Int(text), count >= 0 else { return .unreadable("no number of replicas") }
            left = count
            return nil
        case UInt8(ascii: "-"): return .refused(printable(text.utf8, limit: 120))
        default: return .unreadable("no list")
        }
    }
}

extension ReplyValue {
    fileprivate var text: String? {
        switch self {
        case .bulk(let text), .simple(let text): String(decoding: text, as: UTF8.self)
        case .error, .integer, .null, .array: nil
        }
    }
}
