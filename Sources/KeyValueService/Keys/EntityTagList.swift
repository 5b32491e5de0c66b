/// What If-Match or If-None-Match asks (RFC 9110 §13.1), as far as a ``KeyTag`` can meet it: tags of any other form are no
/// value's.
enum EntityTagList: Equatable, Sendable {
    /// Tags that no value has.
    case noTag
    /// `*`: any stored value.
    case any
    case tags([KeyTag])

    /// How tags are compared (RFC 9110 §8.8.3.2).
    enum Comparison {
        /// Weak tags count, too: only one value has such a tag. So it is for If-None-Match.
        case weak
        /// A weak tag is no value's. So it is for If-Match.
        case strong
    }

    /// Reads If-None-Match of a read.
    ///
    /// A field that is not well-formed matches nothing: its sender gets the value.
    init(parsing field: Span<UInt8>) {
        self = Self(wellFormed: field, .weak) ?? .noTag
    }

    /// Reads `*`, or entity tags with commas between them, at least one.
    ///
    /// - Returns: `nil` where it is nothing of that.
    init?(wellFormed field: Span<UInt8>, _ comparison: Comparison) {
        if field.count == 1, field[0] == UInt8(ascii: "*") {
            self = .any
            return
        }
        var tags: [KeyTag] = []
        var isEmpty = true
        var index = 0
        while true {
            // A list may have empty places (§5.6.1.2).
            while index < field.count, Self.isBlank(field[index]) || field[index] == UInt8(ascii: ",") { index += 1 }
            if index == field.count { break }
            let isWeak = field[index] == UInt8(ascii: "W")
            guard let tag = Self.tag(in: field, from: &index) else { return nil }
            isEmpty = false
            if comparison == .weak || !isWeak, let tag = KeyTag(parsing: field.extracting(tag)) { tags.append(tag) }
            while index < field.count, Self.isBlank(field[index]) { index += 1 }
            guard index == field.count || field[index] == UInt8(ascii: ",") else { return nil }
        }
        if isEmpty { return nil }
        self = tags.isEmpty ? .noTag : .tags(tags)
    }

    func matches(_ tag: KeyTag) -> Bool {
        switch self {
        case .noTag: false
        case .any: true
        case .tags(let tags): tags.contains(tag)
        }
    }

    /// Reads past `"…"` or `W/"…"`.
    ///
    /// - Returns: what is between the quotes; `nil` where it is not a tag.
    private static func tag(in field: Span<UInt8>, from index: inout Int) -> Range<Int>? {
        if field[index] == UInt8(ascii: "W") {
            guard index + 1 < field.count, field[index + 1] == UInt8(ascii: "/") else { return nil }
            index += 2
        }
        guard index < field.count, field[index] == UInt8(ascii: "\"") else { return nil }
        index += 1
        let start = index
        while index < field.count, isTagByte(field[index]) { index += 1 }
        guard index < field.count, field[index] == UInt8(ascii: "\"") else { return nil }
        index += 1
        return start..<index - 1
    }

    /// Visible characters but the quote; commas are among them, blanks are not (§8.8.3).
    private static func isTagByte(_ byte: UInt8) -> Bool {
        byte == 0x21 || 0x23...0x7E ~= byte || byte >= 0x80
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
