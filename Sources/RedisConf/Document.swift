/// A redis.conf, byte for byte: what is not edited comes back as it was read.
///
/// One array holds the bytes, lines are ranges into it, and only directives are recorded: comments and blank lines cost
/// one pass and nothing more. Any bytes can be parsed; ``faults`` lists what redis-server would refuse.
public struct Document: Equatable, Sendable {
    let bytes: [UInt8]
    let directives: [Directive]
    /// By which its lines are split.
    let quotes: QuoteRule
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

    public init(_ bytes: [UInt8] = [], quotes: QuoteRule = .endsToken) {
        self.bytes = bytes
        self.quotes = quotes
        (directives, nul) = Self.scan(bytes.span, quotes)
    }

    /// A byte order mark at the very beginning.
    var beginsWithByteOrderMark: Bool { bytes.starts(with: [0xEF, 0xBB, 0xBF]) }

    /// One pass: line ends, the first NUL, and a record for each line that is neither blank nor a comment.
    private static func scan(_ span: Span<UInt8>, _ quotes: QuoteRule) -> ([Directive], nul: Position?) {
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
                if let directive = directive(
                    in: span, content: first..<last, line: start..<next, number: number, quotes: quotes)
                {
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
        in span: Span<UInt8>, content: Range<Int>, line: Range<Int>, number: Int, quotes: QuoteRule
    ) -> Directive? {
        var hasQuotes = false
        var hasHash = false
        var isPath = false
        var nameEnd = content.upperBound
        var index = content.lowerBound
        var words = 0
        var isInWord = false
        while index < content.upperBound {
            let byte = span[index]
            let isBlank = Byte.isSpace(byte)
            if !isBlank, !isInWord { words += 1 }
            isInWord = !isBlank
            switch byte {
            case Byte.hash: hasHash = true
            case Byte.doubleQuote, Byte.singleQuote: hasQuotes = true
            case Byte.slash, Byte.dot: isPath = true
            default: break
            }
            if nameEnd == content.upperBound, hasQuotes || Byte.isTrimmed(byte) { nameEnd = index }
            index += 1
        }
        // 0 where the name cannot be split.
        var spelling: UInt32 = 0
        var isKnown = true
        var isMisspelledSecret = false
        let endsInQuote = nameEnd < content.upperBound && !Byte.isTrimmed(span[nameEnd])
        if !endsInQuote, !Byte.isSpace(span[content.lowerBound]) {
            // The short way: nothing in the name is quoted, and nothing before it would be skipped.
            let name = span.extracting(content.lowerBound..<nameEnd)
            spelling = DirectiveName.fingerprint(of: name)
            isKnown = KnownNames.contains(fingerprint: spelling)
            if !isKnown { isMisspelledSecret = SecretClue.isMisspelled(unknown: name) }
        } else {
            var position = 0
            do throws(TokenError) {
                guard let name = try nextToken(in: span.extracting(content), at: &position, quotes: quotes)
                else { return nil }
                spelling = DirectiveName.fingerprint(of: name.bytes.span)
                isKnown = KnownNames.contains(fingerprint: spelling)
                if !isKnown { isMisspelledSecret = SecretClue.isMisspelled(unknown: name.bytes.span) }
            } catch {
                spelling = 0
            }
        }
        let fingerprint = DirectiveName.canonicalFingerprint(spelling)
        // One argument that is no path, and so long that it may be a name and a value.
        let isLong = words == 2 && content.upperBound - nameEnd > 11 && !isPath
        let isMany =
            switch fingerprint {
            case DirectiveName.replicaofFingerprint: words != 3
            case _ where DirectiveName.takesMany(fingerprint: fingerprint):
                words > 2 && SecretClue.mayStand(in: span.extracting(content))
            default: words > 2
            }
        return Directive(
            line: line, content: content, number: number, fingerprint: fingerprint, hasQuotes: hasQuotes,
            hasHash: hasHash, isKnown: isKnown, isMisspelledSecret: isMisspelledSecret,
            mayHoldWords: isLong || isMany)
    }
}
