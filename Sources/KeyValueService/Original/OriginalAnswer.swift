import NIOCore
import RedisClient
import Telemetry

/// The answer of `/set` and `/get`, as the original gave it: its fields, their order and its compact form are a contract.
///
/// `{"key":"key_1","value":"get key_1: value_1","redis_replication":"# Replication\r\n…","action":"GET","pod_ip":"…"}`
struct OriginalAnswer {
    enum Action {
        case set, get
    }

    private let action: Action
    private let key: [UInt8]
    private let value: [UInt8]
    private let podIP: [UInt8]

    /// Everything is escaped for JSON already.
    init(_ action: Action, key: [UInt8], value: [UInt8], podIP: [UInt8]) {
        self.action = action
        self.key = key
        self.value = value
        self.podIP = podIP
    }

    private static let keyName: StaticString = "{\"key\":\""
    private static let valueName: StaticString = "\",\"value\":\""
    private static let replicationName: StaticString = "\",\"redis_replication\":\""
    private static let actionName: StaticString = "\",\"action\":\""
    private static let podIPName: StaticString = "\",\"pod_ip\":\""
    private static let end: StaticString = "\"}"
    private static let fixedBytes = [keyName, valueName, replicationName, actionName, podIPName, end].reduce(3) {
        $0 + $1.utf8CodeUnitCount
    }

    /// How many bytes ``write(_:to:)`` writes.
    ///
    /// - Parameter replication: the text of INFO, escaped.
    func count(_ replication: Span<UInt8>) -> Int {
        let repeatedKey = action == .get ? "get : ".utf8.count + key.count : 0
        return Self.fixedBytes + key.count + repeatedKey + value.count + replication.count + podIP.count
    }

    func write(_ replication: Span<UInt8>, to output: inout OutputRawSpan) {
        let key = key
        let value = value
        let podIP = podIP
        output.append(Self.keyName)
        output.append(copying: key.span)
        output.append(Self.valueName)
        if action == .get {
            output.append("get ")
            output.append(copying: key.span)
            output.append(": ")
        }
        output.append(copying: value.span)
        output.append(Self.replicationName)
        output.append(copying: replication)
        output.append(Self.actionName)
        output.append(action == .get ? "GET" : "SET")
        output.append(Self.podIPName)
        output.append(copying: podIP.span)
        output.append(Self.end)
    }
}

extension ByteBuffer {
    /// Writes what a server said to INFO as the inside of a JSON string: at most 64 KiB of it, up to the end of a line.
    mutating func writeJSONEscaped(information text: Span<UInt8>) {
        let limit = 64 << 10
        guard text.count > limit else { return writeJSONEscaped(shown: text) }
        var end = limit
        while end > 0, text[end - 1] != UInt8(ascii: "\n") { end -= 1 }
        writeJSONEscaped(shown: text.extracting(0..<(end > 0 ? end : limit)))
    }
}

extension RequestHandler {
    /// - Parameter replication: the text of INFO, escaped.
    final func respond(_ answer: OriginalAnswer, _ head: ResponseHead, replication: Span<UInt8>) {
        respond(head, bodyBytes: answer.count(replication)) { answer.write(replication, to: &$0) }
    }
}
