import RedisCore

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
        try checkName(variable)
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
        try checkName(variable)
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
        try checkName(variable)
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
        try checkName(variable)
        guard let host = value(variable) else { return variables[variable].defaultText }
        guard HostForm.isHost(Array(host.utf8)) else {
            throw .notAHost(variable: name(variable), host)
        }
        return host
    }

    /// The file that the variable names, if it does.
    public func file(_ variable: String, _ readFile: FileReader) throws(ConfigurationError) -> [UInt8]? {
        try checkName(variable)
        guard let path = value(variable) else { return nil }
        do throws(ConfigurationError) {
            return try readFile(path)
        } catch {
            guard case .unreadableFile(let path, let reason, nil) = error else { throw error }
            throw .unreadableFile(path, reason: reason, variable: name(variable))
        }
    }

    /// A secret from its variable, or from the file that its other variable, `…_FILE`, names: the same bytes either way.
    public func secret(_ variable: String, _ readFile: FileReader) throws(ConfigurationError) -> [UInt8]? {
        let fileVariable = variable + "_FILE"
        guard value(variable) == nil || value(fileVariable) == nil else {
            throw .conflict(name(variable), name(fileVariable))
        }
        try checkName(variable)
        let contents = try file(fileVariable, readFile)
        guard var secret = contents ?? source(variable)?.bytes else { return nil }
        // An editor's or `echo`'s newline is not part of the secret.
        if secret.last == UInt8(ascii: "\n") {
            secret.removeLast()
            if secret.last == UInt8(ascii: "\r") { secret.removeLast() }
        }
        guard !secret.isEmpty else {
            if contents == nil { throw .emptySecret(variable: name(variable), "") }
            throw .emptySecret(variable: name(fileVariable), value(fileVariable) ?? "")
        }
        return secret
    }

    /// What is odd in a secret, and most likely not meant: a line each, without the secret.
    public func doubts(aboutSecret variable: String, _ readFile: FileReader) throws(ConfigurationError) -> [String] {
        guard let secret = try secret(variable, readFile) else { return [] }
        let name = value(variable + "_FILE") == nil ? name(variable) : name(variable + "_FILE")
        var doubts: [String] = []
        if secret.starts(with: [0xEF, 0xBB, 0xBF]) {
            doubts.append(
                "\(name): the secret begins with a byte order mark, which is a part of it; save it as plain UTF-8")
        }
        if secret.contains(UInt8(ascii: "\n")) || secret.contains(UInt8(ascii: "\r")) {
            doubts.append(
                "\(name): the secret holds a line break, which is a part of it; put the password alone into it")
        }
        return doubts
    }
}
