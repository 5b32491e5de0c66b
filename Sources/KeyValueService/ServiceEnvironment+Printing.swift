extension ServiceEnvironment {
    /// The configuration that is in effect, a line a variable: `REDIS_DATABASE=0 # default`.
    ///
    /// The sources are `flag`, `environment` and `default`. A secret is `<redacted>`. What a shell would not take for one word
    /// is quoted.
    ///
    /// - Parameter found: what the machine gives for variables that nobody has set.
    public func lines(of groups: [Variable.Group], found: [String: String]) -> [String] {
        Self.variables.filter { groups.contains($0.group) }.map { variable in
            guard let given = source(variable.name), !isOverruled(variable) else {
                return "\(variable.name)=\(Self.word(found[variable.name] ?? variable.defaultText)) # default"
            }
            let value = variable.isSecret ? "<redacted>" : Self.word(given.text)
            return "\(variable.name)=\(value) # \(given.isFlag ? "flag" : "environment")"
        }
    }

    private func isOverruled(_ variable: Variable) -> Bool {
        let isHost = ["REDIS_MASTER_SERVICE_HOST", "REDIS_SLAVE_SERVICE_HOST"].contains(variable.name)
        return isHost && value("GET_HOSTS_FROM")?.lowercased() == "dns"
    }

    /// The text as one word of a shell, on one line.
    private static func word(_ text: String) -> String {
        if text.unicodeScalars.contains(where: \.isControl) {
            let escaped = text.unicodeScalars.map { scalar in
                switch scalar {
                case "\\", "'": "\\\(scalar)"
                case _ where scalar.isControl:
                    scalar.isASCII ? "\\x\(hexadecimal(scalar))" : "\\u00\(hexadecimal(scalar))"
                default: String(scalar)
                }
            }
            return "$'\(escaped.joined())'"
        }
        guard !text.unicodeScalars.allSatisfy(\.isPlain) else { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    }
}

extension ServiceEnvironment.Variable {
    fileprivate var defaultText: String {
        if case .value(let text) = defaultValue { text } else { "" }
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { properties.generalCategory == .control }

    /// Nothing that a shell looks at.
    fileprivate var isPlain: Bool {
        switch self {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", ",", ":", "/", "@", "%", "+", "=": true
        default: false
        }
    }
}
