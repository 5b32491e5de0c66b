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
    /// Whether a server knows the name, so that it is no misspelled one.
    var isKnown: Bool
    /// Whether the name looks like a misspelled secret directive's, or like a secret's name elsewhere.
    var isMisspelledSecret: Bool
    /// Whether more arguments stand behind the name than it takes, or one so long that it may be a name and a value.
    var mayHoldWords: Bool

    /// Whether a password may stand in it.
    var mayBeSecret: Bool {
        fingerprint == 0 || isMisspelledSecret || DirectiveName.isSecret(fingerprint: fingerprint)
    }

    /// Whether a second look is worth while: at most a few lines of a file.
    var mayBeTrap: Bool {
        hasHash || !isKnown || mayHoldWords || mayBeSecret || fingerprint == DirectiveName.renameCommandFingerprint
            || fingerprint == DirectiveName.masterUserFingerprint
    }
}

/// What happens to a directive's line when the document is rendered.
struct LineEdit: Equatable, Sendable {
    /// Index of the directive.
    var index: Int
    /// The new content, indentation and line ending stay; nil where the whole line is removed.
    var replacement: [UInt8]?
}
