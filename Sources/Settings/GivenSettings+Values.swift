/// Gives a file's bytes, or an error whose description says why not.
public typealias FileReader = (String) throws(ConfigurationError) -> [UInt8]

extension GivenSettings {
    /// A number in decimal digits, in the variable's range; nothing else, not even a sign.
    ///
    /// - Returns: the default, if it has one, where nothing is given.
    public func number(_ variable: String) throws(ConfigurationError) -> Int? {
        try decimal(variable) { .notANumber(variable: $0, $1, $2) }
    }

    /// As ``number(_:)``, with another word for it.
    public func port(_ variable: String) throws(ConfigurationError) -> Int {
        guard let port = try decimal(variable, else: { .notAPort(variable: $0, $1, $2) }) else {
            preconditionFailure("\(variable) has no default")
        }
        return port
    }

    private func decimal(
        _ variable: String, else refusal: (SettingName, String, ClosedRange<Int>) -> ConfigurationError
    ) throws(ConfigurationError) -> Int? {
        let description = variables[variable]
        guard case .number(let range) = description.values else { preconditionFailure("\(variable) is not a number") }
        guard let text = value(variable) else { return description.defaultText.flatMap { Int($0) } }
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let number = Int(text),
            range.contains(number)
        else { throw refusal(name(variable), text, range) }
        return number
    }

    /// A number that has a default.
    public func count(_ variable: String) throws(ConfigurationError) -> Int {
        guard let number = try number(variable) else { preconditionFailure("\(variable) has no default") }
        return number
    }

    /// One of the variable's choices, in any case of its letters.
    ///
    /// - Returns: the default, if it has one, where nothing is given.
    public func choice(_ variable: String) throws(ConfigurationError) -> String? {
        let description = variables[variable]
        guard case .choice(let choices) = description.values else { preconditionFailure("\(variable) has no choices") }
        guard let text = value(variable) else { return description.defaultText }
        guard let choice = choices.first(where: { $0 == text.lowercased() }) else {
            throw .unknownChoice(variable: name(variable), text, choices: choices.listed)
        }
        return choice
    }

    /// Whether it is yes, in one of the words that there are for it; `nil` where nothing is given.
    public func isYes(_ variable: String) throws(ConfigurationError) -> Bool? {
        guard let text = value(variable) else { return nil }
        switch text.lowercased() {
        case "yes", "true", "1", "on": return true
        case "no", "false", "0", "off": return false
        default: throw .unknownChoice(variable: name(variable), text, choices: "yes or no")
        }
    }

    /// The name or the address of a host, without a port and without a scheme.
    ///
    /// - Returns: the default, if it has one, where nothing is given.
    public func host(_ variable: String) throws(ConfigurationError) -> String? {
        guard let host = value(variable) else { return variables[variable].defaultText }
        guard !host.contains("/"), !host.contains(where: \.isWhitespace) else {
            throw .notAHost(variable: name(variable), host)
        }
        return host
    }

    /// The file that the variable names, if it does.
    public func file(_ variable: String, _ readFile: FileReader) throws(ConfigurationError) -> [UInt8]? {
        guard let path = value(variable) else { return nil }
        do throws(ConfigurationError) {
            return try readFile(path)
        } catch {
            guard case .unreadableFile(let path, let reason, nil) = error else { throw error }
            throw .unreadableFile(path, reason: reason, variable: name(variable))
        }
    }

    /// A secret from its variable, or from the file that its other variable, `…_FILE`, names.
    public func secret(_ variable: String, _ readFile: FileReader) throws(ConfigurationError) -> [UInt8]? {
        let fileVariable = variable + "_FILE"
        guard value(variable) == nil || value(fileVariable) == nil else {
            throw .conflict(name(variable), name(fileVariable))
        }
        guard var secret = try file(fileVariable, readFile) else { return value(variable).map { Array($0.utf8) } }
        // An editor's or `echo`'s newline is not part of the secret.
        if secret.last == UInt8(ascii: "\n") { secret.removeLast() }
        guard !secret.isEmpty else {
            throw .emptySecret(variable: name(fileVariable), value(fileVariable) ?? "")
        }
        return secret
    }
}
