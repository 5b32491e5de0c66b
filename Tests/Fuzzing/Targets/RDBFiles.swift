import RDBFile

func checkRDBFile(_ input: [UInt8]) throws(BrokenPromise) {
    let whole = Reading([input])
    let cut = Reading(pieces(of: input))
    try require(whole == cut, "where a file is cut changes nothing", "\(whole) \(cut)")
    let keys = Reading([input], wantsValues: false)
    try require(whole.offset <= input.count, "an error is within the file", "\(whole.offset)")
    try require(whole.longest <= RDBReader.maximumPartBytes, "a part is within its bound", "\(whole.longest)")
    try require(whole.keyBytes <= input.count, "keys are within the file", "\(whole.keyBytes)")
    if let summary = whole.summary {
        try require(summary.bytes == input.count, "a whole file is read to its end", "\(summary.bytes)")
        try require(keys.summary == summary, "passing over values leads to the same end", "\(keys)")
    }
}

private struct Reading: Equatable {
    var summary: RDBReader.Summary?
    var error: RDBFileError?
    var offset = 0
    var parts: UInt64 = 0
    var longest = 0
    var keyBytes = 0

    init(_ pieces: [[UInt8]], wantsValues: Bool = true) {
        var rest = pieces[...]
        var left: [UInt8] = []
        var reader = RDBReader { count throws(RDBSourceError) in
            if left.isEmpty { left = rest.popFirst() ?? [] }
            let piece = Array(left.prefix(count))
            left.removeFirst(piece.count)
            return piece
        }
        let visitor = Visitor(wantsValues: wantsValues)
        do throws(RDBFileError) {
            summary = try reader.read(visitor)
        } catch {
            self.error = error
        }
        offset = max(reader.offset, error?.offset ?? 0)
        (parts, longest, keyBytes) = (visitor.parts, visitor.longest, visitor.keyBytes)
    }
}

/// Sums up what it is given.
private final class Visitor: RDBVisitor {
    private let wantsValues: Bool
    private(set) var parts: UInt64 = 0
    private(set) var longest = 0
    private(set) var keyBytes = 0

    init(wantsValues: Bool) { self.wantsValues = wantsValues }

    private func note(_ kind: UInt64, _ bytes: [UInt8]) {
        longest = max(longest, bytes.count)
        parts = (parts ^ kind) &* 31 &+ seedNumber(of: bytes)
    }

    func begin(_ key: RDBKey) -> RDBInterest {
        note(UInt64(truncatingIfNeeded: key.expiresAt ?? 0) &+ UInt64(key.database), key.name)
        return wantsValues ? .value : .keyOnly
    }

    func take(_ part: RDBPart) -> Bool {
        switch part {
        case .text(let text, let isLast): note(isLast ? 1 : 2, text)
        case .element(let text), .member(let text): note(3, text)
        case .field(let field, let value, let time):
            note(4, field)
            note(UInt64(truncatingIfNeeded: time ?? 0), value)
        case .scored(let member, let score): note(score.bitPattern, member)
        case .entry(let id, let fields):
            note(id.milliseconds, [])
            for field in fields { note(id.sequence, field) }
        case .streamEnd(let length, let last): note(length &+ last.milliseconds &+ last.sequence, [])
        case .group(let name, let last, let pending): note(last.milliseconds &+ pending, name)
        case .consumer(let name, let pending): note(pending, name)
        case .tooLarge: note(5, [])
        }
        return true
    }

    func end(bytes: Int) -> Bool {
        keyBytes += bytes
        return true
    }
}
