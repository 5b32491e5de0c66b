import HTTPWire

/// What a decoder made of a stream of bytes, in words that can be compared.
enum Event: Equatable, CustomStringConvertible {
    case head(method: String, target: String, keepsAlive: Bool)
    case body([UInt8])
    case end
    case fault(RequestFault)

    var description: String {
        switch self {
        case .head(let method, let target, let keepsAlive): "\(method) \(target)\(keepsAlive ? "" : ", then close")"
        case .body(let bytes): "body \(String(decoding: bytes, as: UTF8.self).debugDescription)"
        case .end: "end"
        case .fault(let fault): "fault \(fault)"
        }
    }
}

/// Decodes as a connection does: what a piece leaves over is put before the next one.
func transcript(of pieces: [[UInt8]], limits: RequestLimits = RequestLimits()) -> [Event] {
    var decoder = RequestDecoder(limits: limits)
    var events: [Event] = []
    var undecoded: [UInt8] = []
    for piece in pieces {
        undecoded += piece
        let bytes = undecoded
        var offset = 0
        var isHungry = false
        while !isHungry {
            switch decoder.next(bytes.span, from: &offset) {
            case .needsMore: isHungry = true
            case .head(let head):
                events.append(
                    .head(
                        method: "\(head.method)", target: String(decoding: bytes[head.target], as: UTF8.self),
                        keepsAlive: head.keepsAlive))
                if head.body == .none { events.append(.end) }
            case .body(let range):
                if case .body(let before) = events.last {
                    events[events.count - 1] = .body(before + bytes[range])
                } else {
                    events.append(.body(Array(bytes[range])))
                }
            case .end: events.append(.end)
            case .fault(let fault): return events + [.fault(fault)]
            }
        }
        undecoded.removeFirst(offset)
    }
    return events
}

func transcript(of wire: String, limits: RequestLimits = RequestLimits()) -> [Event] {
    transcript(of: [Array(wire.utf8)], limits: limits)
}
