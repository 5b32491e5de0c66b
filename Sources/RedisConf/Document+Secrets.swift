extension Document {
    /// Whether any line may hold a password: one of the secret directives with something in it.
    public var hasSecrets: Bool {
        directives.indices.contains { index in
            guard let entry = entry(index) else { return directives[index].mayBeSecret }
            return entry.name.isSecret && !(entry.arguments.isEmpty || entry.values == [[]])
        }
    }

    /// The bytes as they were read, with what follows a secret directive's name replaced by asterisks; in comments too,
    /// since a commented-out line keeps its password.
    public func redacted() -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for line in bytes.split(separator: Byte.newline, omittingEmptySubsequences: false) {
            if !result.isEmpty || line.startIndex > 0 { result.append(Byte.newline) }
            result += Self.redacted(line)
        }
        return result
    }

    private static func redacted(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let marks = line.prefix { Byte.isSpace($0) || $0 == Byte.hash }
        let rest = line[marks.endIndex...]
        let word = rest.prefix { !Byte.isSpace($0) }
        let name = DirectiveName(
            String(decoding: word.filter { $0 != Byte.doubleQuote && $0 != Byte.singleQuote }, as: UTF8.self))
        let arguments = rest[word.endIndex...].prefix { $0 != Byte.carriageReturn }
        guard name.isSecret, arguments.contains(where: { !Byte.isSpace($0) }) else { return line }
        // Prose that begins with such a word is left alone: a sentence is not a directive.
        let words = arguments.split { Byte.isSpace($0) }.count
        if marks.contains(Byte.hash), words > 1, name != "user", name != "sentinel" { return line }
        return line[..<word.endIndex] + Array(" ********".utf8) + line[arguments.endIndex...]
    }
}
