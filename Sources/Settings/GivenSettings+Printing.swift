extension GivenSettings {
    /// The configuration that is in effect, a line a variable: `REDIS_DATABASE=0 # default`.
    ///
    /// The sources are `flag`, `environment` and `default`. A secret is `<redacted>`. What a shell would not take for one word
    /// is quoted.
    ///
    /// - Parameters:
    ///   - groups: those whose variables are printed.
    ///   - found: what the machine gives for variables that are not set.
    ///   - overruled: the names of those for which the default counts, even if a value was given.
    public func lines(
        of groups: [Variable.Group], found: [String: String] = [:], overruled: Set<String> = []
    ) -> [String] {
        variables.filter { groups.contains($0.group) }.map { variable in
            guard let given = source(variable.name), !overruled.contains(variable.name) else {
                return "\(variable.name)=\(Self.word(found[variable.name] ?? variable.defaultText ?? "")) # default"
            }
            let value = variable.isSecret ? "<redacted>" : Self.word(given.text)
            return "\(variable.name)=\(value) # \(given.isFlag ? "flag" : "environment")"
        }
    }

    /// The text as one word of a shell, on one line.
    private static func word(_ text: String) -> String {
        if text.unicodeScalars.contains(where: \.isUnshown) {
            let escaped = text.unicodeScalars.map { scalar in
                scalar == "\\" || scalar == "'" ? "\\\(scalar)" : String(scalar).onOneLine
            }
            return "$'\(escaped.joined())'"
        }
        guard !text.unicodeScalars.allSatisfy(\.isPlain) else { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

extension Unicode.Scalar {
    /// Nothing that a shell looks at.
    fileprivate var isPlain: Bool {
        switch self {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", ",", ":", "/", "@", "%", "+", "=": true
        default: false
        }
    }
}
