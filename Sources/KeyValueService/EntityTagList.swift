/// What If-None-Match asks (RFC 9110 §13.1.2), as far as a ``KeyTag`` can meet it: tags of any other form are no value's.
enum EntityTagList: Equatable, Sendable {
    case none
    /// `*`: whatever is stored.
    case any
    case tags([KeyTag])

    /// Reads `*`, or entity tags with commas between them, weak ones too: they are compared as if they were strong
    /// (§13.1.2), for only one value has such a tag.
    ///
    /// A field that is not well-formed matches nothing: its sender gets the value.
    init(parsing field: Span<UInt8>) {
        if field.count == 1, field[0] == UInt8(ascii: "*") {
            self = .any
            return
        }
        var tags: [KeyTag] = []
        var index = 0
        while true {
            // A list may have empty places (§5.6.1.2).
            while index < field.count, Self.isBlank(field[index]) || field[index] == UInt8(ascii: ",") { index += 1 }
            if index == field.count { break }
            guard let tag = Self.tag(in: field, from: &index) else {
                self = .none
                return
            }
            if let tag = KeyTag(parsing: field.extracting(tag)) { tags.append(tag) }
            while index < field.count, Self.isBlank(field[index]) { index += 1 }
            guard index == field.count || field[index] == UInt8(ascii: ",") else {
                self = .none
                return
            }
        }
        self = tags.isEmpty ? .none : .tags(tags)
    }

    func matches(_ tag: KeyTag) -> Bool {
        switch self {
        case .none: false
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
