import ReplicaPlanning

func checkRDB(_ input: [UInt8]) throws(BrokenPromise) {
    if let header = RDBHeader(input) {
        let more = RDBHeader(input + Array("more of the file".utf8))
        // A library that the prefix cuts off counts as data.
        try require(
            header.hasKeys || (more?.format == header.format && more?.replicationID == header.replicationID),
            "more of a file changes nothing that its beginning told", "\(header)")
        try require(header.length ?? 0 <= input.count, "a length is within the file", "\(header)")
    }
    let whole = end(of: [input])
    let cut = end(of: pieces(of: input))
    try require(whole == cut, "where a file is cut changes nothing", "\(whole ?? -1) \(cut ?? -1)")
    if let whole { try require(1...input.count ~= whole, "an end is within the file", "\(whole)") }
}

private func end(of pieces: [[UInt8]]) -> Int? {
    var search = RDBEndSearch()
    var pending: [UInt8] = []
    for (index, piece) in pieces.enumerated() {
        pending += piece
        while search.end == nil {
            let taken = search.take(pending.span.bytes, isLast: index == pieces.count - 1)
            pending.removeFirst(taken)
            if taken == 0 { break }
        }
        if search.end != nil { return search.end }
    }
    return nil
}

/// The first line announces the RDB, the rest is it; and the whole is taken for a replica's words, too.
func checkTransfer(_ input: [UInt8]) throws(BrokenPromise) {
    let line = Array(input.prefix { $0 != 10 })
    let body = Array(input.dropFirst(line.count + 1))
    let whole = Taken(line, [body])
    let cut = Taken(line, pieces(of: body))
    try require(whole == cut, "where a transfer is cut changes nothing", "\(whole) \(cut)")
    if whole.isOver, let announced = whole.announced {
        try require(whole.bytes.count == announced, "a transfer has the bytes that were announced")
    }
    try require(body.starts(with: whole.bytes), "what is written is what came")

    let place = ReplicaHandshake.Place(replicationID: String(repeating: "0123456789", count: 4), offset: 7)
    let answer = talk([input], place)
    let cutAnswer = talk(pieces(of: input), place)
    try require(answer == cutAnswer, "where a talk is cut changes nothing", "\(answer) \(cutAnswer)")
}

/// As the owner of a transfer does: it reads into its own buffer, and keeps the bytes that are not yet taken.
private struct Taken: Equatable {
    var bytes: [UInt8] = []
    var isOver = false
    var announced: Int?
    var hasFailed = false

    init(_ line: [UInt8], _ pieces: [[UInt8]]) {
        var transfer = RDBTransfer()
        do throws(ReseedFailure) {
            guard try transfer.announce(line) != .nothing else { return }
            announced = transfer.announcedBytes
            var pending: [UInt8] = []
            for piece in pieces {
                var rest = piece[...]
                while !rest.isEmpty, !transfer.isOver {
                    let room = transfer.room(rest.count, pending: pending.count)
                    guard room > 0 else { return }
                    // A mark ends it wherever it comes, so that each byte is looked at.
                    let part = rest.prefix(announced == nil ? 1 : room)
                    rest = rest.dropFirst(part.count)
                    pending += part
                    let count = try transfer.take(pending.span.bytes)
                    bytes += pending[..<count]
                    pending.removeFirst(count)
                }
            }
        } catch {
            // What was written until then is thrown away.
            bytes = []
            hasFailed = true
        }
        isOver = transfer.isOver
    }
}

private struct Talk: Equatable {
    var answer: [UInt8] = []
    var outcome = ReplicaHandshake.Outcome.talking
}

private func talk(_ pieces: [[UInt8]], _ place: ReplicaHandshake.Place) -> Talk {
    var handshake = ReplicaHandshake(continuingAt: place)
    var talk = Talk()
    for piece in pieces { talk.answer += handshake.take(piece) }
    talk.outcome = handshake.outcome
    return talk
}
