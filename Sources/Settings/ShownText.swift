extension StringProtocol {
    /// A given value, for an error or a log: on one line, without terminal control or text direction characters,
    /// at most 200 bytes.
    ///
    /// Such characters stand as `\x1b` or `\u202e`; what is longer ends in `…`.
    public var shown: String { shown(limit: 200) }

    private func shown(limit: Int) -> String {
        var shown = ""
        for scalar in unicodeScalars {
            let text = scalar.shown
            guard shown.utf8.count + text.utf8.count <= limit else { return shown + "…" }
            shown += text
        }
        return shown
    }

    /// The same, however long it is.
    public var onOneLine: String { shown(limit: .max) }
}

extension Unicode.Scalar {
    /// Nothing that a terminal shows as it stands: a control character, a line's end, or one that turns text around.
    var isUnshown: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    fileprivate var shown: String {
        guard isUnshown else { return String(self) }
        let digits = String(value, radix: 16)
        func padded(_ count: Int) -> String { String(repeating: "0", count: max(0, count - digits.count)) + digits }
        if isASCII { return "\\x" + padded(2) }
        return value <= 0xFFFF ? "\\u" + padded(4) : "\\U" + padded(8)
    }
}
