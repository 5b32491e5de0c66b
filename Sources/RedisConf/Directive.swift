/// Where one directive stands in its document. Comments and blank lines have none.
struct Directive: Equatable, Sendable {
    /// The whole line, its newline included.
    var line: Range<Int>
    /// The line without the white space around it.
    var content: Range<Int>
    /// The line's number, from 1.
    var number: Int
    /// Of the canonical name; 0 where the name itself cannot be split.
    var fingerprint: UInt32
    /// Whether any quote stands in it: without one it cannot be malformed.
    var hasQuotes: Bool
    /// Whether a `#` stands in it.
    var hasHash: Bool
    var edit: LineEdit = .keep

    /// Whether it is worth a closer look: by its name, or because it may not be possible to split it.
    var mayBeSecret: Bool { hasQuotes || DirectiveName.secretFingerprints.contains(fingerprint) }
}

/// What happens to a directive's line when the document is rendered.
enum LineEdit: Equatable, Sendable {
    case keep
    case remove
    /// The content is replaced, indentation and line ending stay.
    case replace([UInt8])
}
