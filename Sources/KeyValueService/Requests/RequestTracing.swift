import HTTPWire
import RedisClient

/// What a client says about a request, for the logs. On the heap, since few clients send it.
final class RequestTracing {
    /// What the client calls the request; empty where it does not.
    let requestID: [UInt8]
    let trace: TraceParent?

    /// - Returns: `nil` where the request says nothing of it, or nothing that can be used.
    init?(_ request: borrowing RequestView) {
        guard request.head.value(of: .requestID) != nil || request.head.value(of: .traceparent) != nil else {
            return nil
        }
        if let id = request.value(of: .requestID), RequestID.isUsable(id) {
            requestID = id.copied
        } else {
            requestID = []
        }
        if let text = request.value(of: .traceparent) { trace = TraceParent(parsing: text) } else { trace = nil }
        if requestID.isEmpty, trace == nil { return nil }
    }
}

/// How a request is called: as its client calls it, else by a number.
struct RequestID {
    /// Written as 16 lower-case hexadecimal digits.
    let number: UInt64
    let tracing: RequestTracing?

    /// Whether a client's own may be repeated in an answer and in logs: 1…128 visible ASCII characters, no quotes and no
    /// backslash among them.
    static func isUsable(_ text: Span<UInt8>) -> Bool {
        guard 1...128 ~= text.count else { return false }
        for index in text.indices {
            switch text[index] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): return false
            case 0x21...0x7E: continue
            default: return false
            }
        }
        return true
    }

    /// The digits, a byte each, the first in the lowest byte of the first word.
    fileprivate var digits: (UInt64, UInt64) {
        let bytes = number.bigEndian
        return (
            UInt64(hexadecimalDigitsOf: UInt32(truncatingIfNeeded: bytes)),
            UInt64(hexadecimalDigitsOf: UInt32(truncatingIfNeeded: bytes >> 32))
        )
    }
}

extension RequestID: CustomStringConvertible {
    var description: String {
        if let given = tracing?.requestID, !given.isEmpty { return String(decoding: given, as: UTF8.self) }
        let (high, low) = digits
        let bytes = [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension OutputRawSpan {
    /// Appends the header line, its line end in front.
    mutating func append(_ id: RequestID) {
        if let tracing = id.tracing, !tracing.requestID.isEmpty {
            append("\r\nX-Request-Id: ")
            let given = tracing.requestID
            return append(copying: given.span)
        }
        // Four words at once: every answer has this line.
        let (high, low) = id.digits
        unsafe withUnsafeMutableBytes { space, count in
            precondition(32 <= space.count - count, "more is written than there is room for")
            guard let start = space.baseAddress else { return }
            let name: StaticString = "\r\nX-Request-Id: "
            unsafe (start + count).copyMemory(from: name.utf8Start, byteCount: 16)
            unsafe (start + count).storeBytes(of: high.littleEndian, toByteOffset: 16, as: UInt64.self)
            unsafe (start + count).storeBytes(of: low.littleEndian, toByteOffset: 24, as: UInt64.self)
            count += 32
        }
    }
}
