/// A redis.conf, byte for byte: what is not edited comes back as it was read.
///
/// One array holds the bytes, lines are ranges into it, and only directives are recorded: comments and blank lines cost
/// one pass and nothing more. Any bytes can be parsed; what redis-server would refuse is told by ``faults``.
public struct Document: Equatable, Sendable {
    let bytes: [UInt8]
    var directives: [Directive]
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
            while end < span.count {
                let byte = span[end]
                if byte == Byte.newline { break }
                if byte == 0, nul == nil { nul = Position(line: number, column: end - start + 1) }
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
