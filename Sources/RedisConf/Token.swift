/// One argument of a line, unquoted.
public struct Token: Equatable, Sendable {
    /// The bytes redis-server sees, quotes and escapes resolved.
    public var bytes: [UInt8]
    /// Offset of the token's first byte (a quote counts) from where the splitting began.
    public var offset: Int
    /// Whether any part of it was quoted: a bare `#…` behind a value is most likely a comment that Redis does not know.
    public var isQuoted: Bool
}

/// Why a line cannot be split. The offset counts from where the splitting began.
public enum TokenError: Error, Equatable, Sendable {
    /// A quote that opens at `offset` and never closes.
    case unterminatedQuote(offset: Int)
    /// A closing quote followed, at `offset`, by something other than white space.
    case textAfterQuote(offset: Int)
}

/// What a server makes of text right behind a closing quote.
public enum QuoteRule: Sendable {
    /// It refuses the line: every Redis, redict, and Valkey before 9.0.
    case endsToken
    /// It joins the text to the token, as a shell does: Valkey from 9.0 (valkey-io/valkey#2098).
    case joinsText
}

/// Splits a line as redis-server does (`sdssplitargs`, redis/redis src/sds.c).
///
/// - Quotes may open in the middle of a token. Whether the closing one ends it is the ``QuoteRule``.
/// - In double quotes `\xHH`, `\n`, `\r`, `\t`, `\b` and `\a` are escapes; any other `\c` is `c`.
/// - In single quotes only `\'` is an escape. Outside quotes `\` and `#` are literal.
/// - A NUL byte ends the line, as it ends a C string.
///
/// - Returns: the tokens, none for a blank line.
/// - Throws: ``TokenError`` where redis-server says "Unbalanced quotes in configuration line".
public func splitArguments(_ line: Span<UInt8>, quotes: QuoteRule = .endsToken) throws(TokenError) -> [Token] {
    var tokens: [Token] = []
    var position = 0
    while let token = try nextToken(in: line, at: &position, quotes: quotes) { tokens.append(token) }
    return tokens
}

/// Splits a byte array; see ``splitArguments(_:quotes:)``.
public func splitArguments(_ line: [UInt8], quotes: QuoteRule = .endsToken) throws(TokenError) -> [Token] {
    try splitArguments(line.span, quotes: quotes)
}

/// Throws what ``splitArguments(_:quotes:)`` throws, and keeps nothing.
func checkQuotes(_ line: Span<UInt8>, quotes: QuoteRule) throws(TokenError) {
    var position = 0
    while try nextToken(in: line, at: &position, quotes: quotes, keepsBytes: false) != nil {}
}

/// The next token, and `position` behind it. Nil at the end of the line.
/// - Parameter keepsBytes: false where only the places matter; the token's bytes are then missing.
func nextToken(
    in line: Span<UInt8>, at position: inout Int, quotes: QuoteRule, keepsBytes: Bool = true
) throws(TokenError) -> Token? {
    while position < line.count, Byte.isSpace(line[position]) { position += 1 }
    guard position < line.count, line[position] != 0 else { return nil }
    var token = Token(bytes: [], offset: position, isQuoted: false)
    while position < line.count {
        let byte = line[position]
        switch byte {
        case Byte.space, Byte.newline, Byte.carriageReturn, Byte.tab, 0:
            return token
        case Byte.doubleQuote, Byte.singleQuote:
            token.isQuoted = true
            try readQuoted(in: line, at: &position, into: &token.bytes, keepsBytes: keepsBytes)
            if quotes == .joinsText { continue }
            if position < line.count, line[position] != 0, !Byte.isSpace(line[position]) {
                throw .textAfterQuote(offset: position)
            }
            return token
        default:
            if keepsBytes { token.bytes.append(byte) }
            position += 1
        }
    }
    return token
}

/// Reads from the opening quote at `position` to behind the closing one.
private func readQuoted(
    in line: Span<UInt8>, at position: inout Int, into bytes: inout [UInt8], keepsBytes: Bool
) throws(TokenError) {
    let opening = position
    let quote = line[opening]
    position += 1
    while position < line.count, line[position] != 0 {
        let byte = line[position]
        let next: UInt8? = position + 1 < line.count && line[position + 1] != 0 ? line[position + 1] : nil
        if byte == quote {
            position += 1
            return
        }
        if byte == Byte.backslash, let next, quote == Byte.doubleQuote {
            if let value = hexEscape(in: line, at: position) {
                if keepsBytes { bytes.append(value) }
                position += 4
            } else {
                if keepsBytes { bytes.append(escaped(next)) }
                position += 2
            }
        } else if byte == Byte.backslash, next == Byte.singleQuote, quote == Byte.singleQuote {
            if keepsBytes { bytes.append(Byte.singleQuote) }
            position += 2
        } else {
            if keepsBytes { bytes.append(byte) }
            position += 1
        }
    }
    throw .unterminatedQuote(offset: opening)
}

/// The byte of `\xHH` whose backslash is at `position`.
private func hexEscape(in line: Span<UInt8>, at position: Int) -> UInt8? {
    guard position + 3 < line.count, line[position + 1] == UInt8(ascii: "x"),
        let high = Byte.hexValue(line[position + 2]), let low = Byte.hexValue(line[position + 3])
    else { return nil }
    return high << 4 | low
}

private func escaped(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "n"): Byte.newline
    case UInt8(ascii: "r"): Byte.carriageReturn
    case UInt8(ascii: "t"): Byte.tab
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "a"): 0x07
    default: byte
    }
}
