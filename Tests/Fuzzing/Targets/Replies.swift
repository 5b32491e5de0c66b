import Hiredis

private struct Replies: Equatable {
    var values: [ReplyValue] = []
    var hasFailed = false

    init(_ pieces: [[UInt8]], limit: Int) {
        var reader = ReplyReader(maximumReplyBytes: limit)
        do throws(ReplyReaderError) {
            for piece in pieces {
                try reader.read(piece.span.bytes) { reply in
                    values.append(ReplyValue(copying: reply))
                    return true
                }
            }
        } catch {
            hasFailed = true
        }
    }
}

func checkReplies(_ input: [UInt8]) throws(BrokenPromise) {
    let whole = Replies([input], limit: 1 << 20)
    let cut = Replies(pieces(of: input), limit: 1 << 20)
    // An empty piece holds nothing.
    try require(whole == cut, "where a stream is cut changes nothing", "\(whole) \(cut)")
    let printed = whole.values.flatMap(\.wire)
    let again = Replies([printed], limit: 1 << 20)
    try require(again.values == whole.values && !again.hasFailed, "replies are read as they are written", "\(whole)")
}

extension ReplyValue {
    fileprivate var wire: [UInt8] {
        switch self {
        case .bulk(let bytes): Array("$\(bytes.count)\r\n".utf8) + bytes + [13, 10]
        case .simple(let bytes): [UInt8(ascii: "+")] + bytes + [13, 10]
        case .error(let bytes): [UInt8(ascii: "-")] + bytes + [13, 10]
        case .integer(let number): Array(":\(number)\r\n".utf8)
        case .null: Array("$-1\r\n".utf8)
        case .array(let elements): Array("*\(elements.count)\r\n".utf8) + elements.flatMap(\.wire)
        }
    }
}
