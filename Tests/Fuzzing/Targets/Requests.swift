import HTTPWire

/// What a decoder made of a stream.
private struct Transcript: Equatable {
    var events: [Event] = []
    /// The bytes that were consumed and belong to no body.
    var framing: [UInt8] = []
    /// The most bytes that a connection had to keep for the decoder.
    var kept = 0

    enum Event: Equatable {
        case head([UInt8], fields: [[UInt8]?], BodyFraming, flags: [Bool])
        case body([UInt8])
        case end
        case fault(RequestFault)
    }

    /// Decodes as a connection does: what a piece leaves over is put before the next one.
    init(_ pieces: [[UInt8]], limits: RequestLimits) throws(BrokenPromise) {
        var decoder = RequestDecoder(limits: limits)
        var undecoded: [UInt8] = []
        for piece in pieces {
            undecoded += piece
            var offset = 0
            var isHungry = false
            while !isHungry {
                let start = offset
                let step = decoder.next(undecoded.span, from: &offset)
                try require(start <= offset && offset <= undecoded.count, "a step goes forward, and not past the end")
                switch step {
                case .needsMore:
                    framing += undecoded[start..<offset]
                    isHungry = true
                case .head(let head):
                    framing += undecoded[start..<offset]
                    events.append(
                        .head(
                            Array(undecoded[head.target]),
                            fields: RequestField.allCases.map { head.value(of: $0).map { Array(undecoded[$0]) } },
                            head.body, flags: [head.keepsAlive, head.isHTTP11, head.expectsContinue, head.isEncoded]))
                    if head.body == .none { events.append(.end) }
                case .body(let range):
                    try require(
                        !range.isEmpty && range.upperBound == offset, "a piece of a body ends where the step does")
                    framing += undecoded[start..<range.lowerBound]
                    if case .body(let before) = events.last {
                        events[events.count - 1] = .body(before + undecoded[range])
                    } else {
                        events.append(.body(Array(undecoded[range])))
                    }
                case .end:
                    framing += undecoded[start..<offset]
                    events.append(.end)
                case .fault(.malformed):
                    // The name of the fault may depend on how much has arrived: it is reported at the first odd byte.
                    events.append(.fault(.malformed(.notHTTP)))
                    return
                case .fault(let fault):
                    events.append(.fault(fault))
                    return
                }
            }
            undecoded.removeFirst(offset)
            kept = max(kept, undecoded.count)
        }
    }

    /// The same, but that a fault is any: where a bound ends the reading, what would have come is not known.
    var withoutReasons: [Event] {
        events.map { event in if case .fault = event { .fault(.targetTooLong) } else { event } }
    }
}

/// So small that inputs reach them.
private let smallLimits: RequestLimits = {
    var limits = RequestLimits()
    limits.targetBytes = 48
    limits.fieldBytes = 64
    limits.headBytes = 160
    limits.trailerBytes = 48
    limits.fields = 6
    limits.chunkLineBytes = 32
    return limits
}()

func checkRequests(_ stream: [UInt8]) throws(BrokenPromise) {
    // A head that came in pieces is parsed again at its end: a fault in it may be reported later, but is reported.
    let input = stream + [13, 10, 13, 10]
    let whole = try Transcript([input], limits: RequestLimits())
    let pieces = pieces(of: input)
    let cut = try Transcript(pieces, limits: RequestLimits())
    try require(whole.events == cut.events, "where a stream is cut changes nothing", "\(whole.events) \(cut.events)")
    try checkFraming(whole)

    let bounded = try Transcript([input], limits: smallLimits)
    let boundedCut = try Transcript(pieces, limits: smallLimits)
    try require(
        bounded.withoutReasons == boundedCut.withoutReasons, "bounds hold wherever a stream is cut",
        "\(bounded.events) \(boundedCut.events)")
    // A head, and the piece that brought it over its bound.
    let most = smallLimits.headBytes + smallLimits.targetBytes + 64 + 64
    try require(boundedCut.kept <= most, "an incomplete request is kept within its bounds", "\(boundedCut.kept)")
    for event in bounded.events {
        guard case .head(let target, let fields, _, _) = event else { continue }
        try require(target.count <= smallLimits.targetBytes, "a target is within its bound")
        for case .some(let value) in fields {
            try require(value.count <= smallLimits.fieldBytes, "a field is within its bound")
        }
    }
}

/// What a reader that splits lines would see in what was accepted.
private func checkFraming(_ transcript: Transcript) throws(BrokenPromise) {
    let framing = transcript.framing
    for (index, byte) in framing.enumerated() {
        switch byte {
        case UInt8(ascii: "\r"):
            // A stream may end between the two.
            let next = index + 1 < framing.count ? framing[index + 1] : UInt8(ascii: "\n")
            try require(next == UInt8(ascii: "\n"), "no carriage return stands alone", "at \(index) of \(framing)")
        case UInt8(ascii: "\n"):
            try require(
                index > 0 && framing[index - 1] == UInt8(ascii: "\r"), "no line feed stands alone",
                "at \(index) of \(framing)")
        case UInt8(ascii: "\t"), 0x20...0x7E, 0x80...: break
        default: throw BrokenPromise("no control character is accepted", "\(byte) at \(index) of \(framing)")
        }
    }
    for event in transcript.events {
        guard case .head(let target, let fields, let body, _) = event else { continue }
        try require(
            target.allSatisfy { 0x21...0x7E ~= $0 || $0 >= 0x80 }, "a target has no blank and no control character")
        try require(!target.isEmpty, "a target has at least one byte")
        for case .some(let value) in fields {
            try require(
                value.allSatisfy { $0 == 0x09 || (0x20...0xFF ~= $0 && $0 != 0x7F) },
                "no field holds a control character")
        }
        let length = fields[Int(RequestField.contentLength.rawValue)]
        let coding = fields[Int(RequestField.transferEncoding.rawValue)]
        try require(length == nil || coding == nil, "no request has both a length and a coding")
        switch body {
        case .none: try require(coding == nil && (length ?? []).allSatisfy { $0 == 0x30 }, "no body is passed over")
        case .length(let count):
            try require(text(length ?? []).drop { $0 == "0" } == "\(count)", "the length is the one that was sent")
        case .chunked: try require(coding != nil, "a chunked body is announced")
        }
    }
}

func checkChunks(_ input: [UInt8]) throws(BrokenPromise) {
    let head = Array("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
    try checkRequests(head + input)
    // A body that was read is the same body in one chunk.
    let events = try Transcript([head + input], limits: RequestLimits()).events
    guard let end = events.firstIndex(of: .end) else { return }
    var body: [UInt8] = []
    for case .body(let bytes) in events[..<end] { body += bytes }
    let chunk = body.isEmpty ? [] : Array("\(String(body.count, radix: 16))\r\n".utf8) + body + [13, 10]
    let again = try Transcript([head + chunk + Array("0\r\n\r\n".utf8)], limits: RequestLimits()).events
    try require(again == Array(events[...end]), "a body is the same in one chunk", "\(events) \(again)")
}
