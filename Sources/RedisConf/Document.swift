/// A redis.conf, byte for byte: what is not edited comes back as it was read.
///
/// One array holds the bytes, lines are ranges into it, and only directives are recorded: comments and blank lines cost
/// one pass and nothing more. Any bytes can be parsed; what redis-server would refuse is told by ``faults``.
public struct Document: Equatable, Sendable {
    let bytes: [UInt8]
    let directives: [Directive]
    /// At most one for a directive, in the order of the lines.
    var edits: [LineEdit] = []
    var appended: [Appended] = []
    /// The first NUL byte, which makes Redis join two lines.
    let nul: Position?

    /// A directive to be written behind the last line.
    struct Appended: Equatable, Sendable {
        var name: DirectiveName
        var arguments: [[UInt8]]
        var line: [UInt8]
    }

    public init(_ bytes: [UInt8] = []) {
        self.bytes = bytes
        (directives, nul) = Self.scan(bytes.span)
    }

    /// A byte order mark at the very beginning.
    var beginsWithByteOrderMark: Bool { bytes.starts(with: [0xEF, 0xBB, 0xBF]) }

    /// One pass: line ends, the first NUL, and a record for each line that is neither blank nor a comment.
    private static func scan(_ span: Span<UInt8>) -> ([Directive], nul: Position?) {
        var found: [Directive] = []
        var nul: Position?
        var number = 0
        var start = 0
        while start < span.count {
            number += 1
            var end = start
            while true {
                end = nextNewlineOrNUL(in: span, from: end)
                guard end < span.count, span[end] == 0 else { break }
                if nul == nil { nul = Position(line: number, column: end - start + 1) }
                end += 1
            }
            var first = start
            while first < end, Byte.isTrimmed(span[first]) { first += 1 }
            let next = end < span.count ? end + 1 : end
            if first < end, span[first] != Byte.hash {
                var last = end
                while Byte.isTrimmed(span[last - 1]) { last -= 1 }
                if let directive = directive(in: span, content: first..<last, line: start..<next, number: number) {
                    found.append(directive)
                }
            }
            start = next
        }
        return (found, nul)
    }

    /// The index of the next newline or NUL, eight bytes at a time; the end where there is none.
    private static func nextNewlineOrNUL(in span: Span<UInt8>, from start: Int) -> Int {
        let bytes = unsafe span.bytes
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = start
        while index + 8 <= bytes.byteCount {
            // The loop's condition keeps the load inside. A byte that is zero sets the high bit of its place (and perhaps
            // of places above it, which only makes the search below start no later).
            let word = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
            let newlines = word ^ (ones &* UInt64(Byte.newline))
            let found = (((newlines &- ones) & ~newlines) | ((word &- ones) & ~word)) & (ones << 7)
            if found != 0 { return index + found.littleEndian.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < span.count, span[index] != Byte.newline, span[index] != 0 { index += 1 }
        return index
    }

    private static func directive(
        in span: Span<UInt8>, content: Range<Int>, line: Range<Int>, number: Int
    ) -> Directive? {
        var hasQuotes = false
        var hasHash = false
        var nameEnd = content.upperBound
        var index = content.lowerBound
        while index < content.upperBound {
            let byte = span[index]
            if byte == Byte.hash { hasHash = true }
            if byte == Byte.doubleQuote || byte == Byte.singleQuote { hasQuotes = true }
            if nameEnd == content.upperBound, hasQuotes || Byte.isTrimmed(byte) { nameEnd = index }
            index += 1
        }
        var fingerprint: UInt32 = 0
        let endsInQuote = nameEnd < content.upperBound && !Byte.isTrimmed(span[nameEnd])
        if !endsInQuote, !Byte.isSpace(span[content.lowerBound]) {
            // The short way: nothing in the name is quoted, and nothing before it would be skipped.
            fingerprint = DirectiveName.canonicalFingerprint(of: span.extracting(content.lowerBound..<nameEnd))
        } else {
            var position = 0
            do throws(TokenError) {
                guard let name = try nextToken(in: span.extracting(content), at: &position) else { return nil }
                fingerprint = DirectiveName.canonicalFingerprint(of: name.bytes.span)
            } catch {
                fingerprint = 0
            }
        }
        return Directive(
            line: line, content: content, number: number, fingerprint: fingerprint, hasQuotes: hasQuotes,
            hasHash: hasHash)
    }
}
