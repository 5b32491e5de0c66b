/// The field traceparent (W3C Trace Context §3.2): which trace a request belongs to, and which span of it asks.
struct TraceParent: Equatable, Sendable {
    /// 32 lower-case hexadecimal digits, not all of them 0.
    let traceID: String
    /// 16 lower-case hexadecimal digits, not all of them 0: the caller's span.
    let spanID: String

    /// Reads `00-<trace id>-<span id>-<flags>`. A later version may have more behind it, after another dash.
    ///
    /// - Returns: `nil` where it is not that to the letter; the caller's trace is then ignored, as the standard asks.
    init?(parsing text: Span<UInt8>) {
        guard text.count >= 55, text.isHexadecimal(0..<2), text.isDash(2), text.isHexadecimal(3..<35), text.isDash(35),
            text.isHexadecimal(36..<52), text.isDash(52), text.isHexadecimal(53..<55)
        else { return nil }
        let version = text.extracting(0..<2).text
        guard version != "ff", text.count == 55 || (version != "00" && text.isDash(55)) else { return nil }
        traceID = text.extracting(3..<35).text
        spanID = text.extracting(36..<52).text
        guard traceID.contains(where: { $0 != "0" }), spanID.contains(where: { $0 != "0" }) else { return nil }
    }
}

extension Span<UInt8> {
    fileprivate func isDash(_ index: Int) -> Bool { self[index] == UInt8(ascii: "-") }

    fileprivate func isHexadecimal(_ range: Range<Int>) -> Bool {
        for index in range {
            switch self[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): continue
            default: return false
            }
        }
        return true
    }
}
