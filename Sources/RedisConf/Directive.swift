/// Where one directive stands in its document. Comments and blank lines have none. A plain value of numbers: a file may
/// have a hundred thousand of them.
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

    /// Whether a password may stand in it.
    var mayBeSecret: Bool { fingerprint == 0 || DirectiveName.secretFingerprints.contains(fingerprint) }
}

/// What happens to a directive's line when the document is rendered.
struct LineEdit: Equatable, Sendable {
    /// Index of the directive.
    var index: Int
    /// The new content, indentation and line ending stay; nil where the whole line is removed.
    var replacement: [UInt8]?
}
