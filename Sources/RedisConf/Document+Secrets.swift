extension Document {
    /// Whether any line, edits applied, may hold a password: a secret directive with something in it, or a line that
    /// cannot be split.
    public var hasSecrets: Bool {
        if appended.contains(where: { $0.name.isSecret && $0.arguments != [[]] }) { return true }
        return directives.indices.contains { index in
            let directive = directives[index]
            guard directive.mayBeSecret else { return false }
            guard let entry = entry(index) else { return true }
            if let edit = edit(of: index) {
                return edit.replacement.map { entry.name.isSecret && !Self.endsInEmptyArgument($0) } ?? false
            }
            return entry.name.isSecret && !(entry.arguments.isEmpty || entry.values == [[]])
        }
    }

    private static func endsInEmptyArgument(_ line: [UInt8]) -> Bool {
        (try? splitArguments(line))?.dropFirst().map(\.bytes) == [[]]
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
        let isProse = name == "user" ? !arguments.contains(UInt8(ascii: ">")) : words > 1 && name != "sentinel"
        if marks.contains(Byte.hash), isProse { return line }
        return line[..<word.endIndex] + Array(" ********".utf8) + line[arguments.endIndex...]
    }
}
