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
            return entry.mayHoldSecret && !(entry.arguments.isEmpty || entry.values == [[]])
        }
    }

    private static func endsInEmptyArgument(_ line: [UInt8]) -> Bool {
        (try? splitArguments(line))?.dropFirst().map(\.bytes) == [[]]
    }

    /// The bytes as they were read, with asterisks for what must not be shown: what follows a secret directive's name, also in
    /// comments, since a commented-out line keeps its password; what a module is given; the new names of commands; and what
    /// stands behind a name that no server knows.
    public func redacted() -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for line in bytes.split(separator: Byte.newline, omittingEmptySubsequences: false) {
            if !result.isEmpty || line.startIndex > 0 { result.append(Byte.newline) }
            let shown = shownEnd(line)
            guard shown < line.endIndex else {
                result += line
                continue
            }
            result += line[..<shown] + Array("********".utf8)
            result += line.suffix(where: { $0 == Byte.carriageReturn })
        }
        return result
    }

    /// Where the part of a line ends that may be shown.
    private func shownEnd(_ line: ArraySlice<UInt8>) -> Int {
        let marks = line.prefix { Byte.isSpace($0) || $0 == Byte.hash }
        var content = line[marks.endIndex...]
        while let last = content.last, Byte.isTrimmed(last) { content.removeLast() }
        let isComment = marks.contains(Byte.hash)
        let word = content.prefix { !Byte.isSpace($0) }
        if isComment, let separator = word.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }) {
            // A name with such a sign behind it is no prose.
            let head = Array(word[..<separator])
            let isSecret = SecretClue.isNamedLikeSecret(head.span) && !KnownNames.contains(head.span)
            if isSecret || DirectiveName(String(decoding: head, as: UTF8.self)).isSecret { return separator + 1 }
        }
        guard let entry = Document(Array(content), quotes: quotes).entries.first else {
            // Quotes that do not match: no server starts with such a line.
            return Self.shownEnd(ofMalformed: content, word: word, isComment: isComment) ?? line.endIndex
        }
        if isComment {
            guard !entry.isProse else { return line.endIndex }
        } else if !entry.mayShowName {
            return content.startIndex
        }
        guard let count = entry.shownArgumentCount, entry.arguments.count > count else { return line.endIndex }
        return content.startIndex + entry.arguments[count].offset
    }

    private static func shownEnd(
        ofMalformed content: ArraySlice<UInt8>, word: ArraySlice<UInt8>, isComment: Bool
    ) -> Int? {
        let spelling = word.filter { $0 != Byte.doubleQuote && $0 != Byte.singleQuote }
        let name = DirectiveName(String(decoding: spelling, as: UTF8.self))
        if isComment {
            let words = content.split { Byte.isSpace($0) }.count
            let isProse =
                name == "user" ? !content.contains(UInt8(ascii: ">")) : words > 2 && name != "sentinel"
            if !name.isSecret || isProse { return nil }
        } else if !KnownNames.contains(spelling.span) {
            return content.isEmpty ? nil : content.startIndex
        } else if !name.isSecret {
            return nil
        }
        return min(word.endIndex + 1, content.endIndex)
    }
}

extension Document.Entry {
    /// Whether a password may stand in the line, so that its arguments, or its name too, must never be shown.
    package var mayHoldSecret: Bool { name.isSecret || isMisspelledSecret || hasMisplacedSecret }

    /// Whether the name looks like a misspelled secret directive's: then the secret may be a part of it.
    ///
    /// A name with a dot belongs to a module (7.0), unless it is a secret directive's but for the dot.
    public var isMisspelledSecret: Bool { SecretClue.isMisspelled(name: spelling.span) }

    /// Whether the name is as a module names its directives: with a dot, or as those that come with Redis 8 do.
    public var isOfModule: Bool {
        (spelling.contains(UInt8(ascii: ".")) || Self.modulePrefixes.contains { spelling.starts(with: $0.utf8) })
            && !SecretClue.isAlmostSecret(name: spelling.span)
    }

    private static let modulePrefixes = ["search-", "ts-", "bf-", "cf-"]

    /// Whether there is an argument too many that may be a secret: `maxmemory 1gb requirepass S`, `masteruser app S`; or, in
    /// a line that no server knows, any that is named like one: `config set requirepass S`.
    public var hasMisplacedSecret: Bool {
        if !isKnown {
            return SecretClue.isAlmostUser(name: spelling.span)
                || arguments.contains { SecretClue.isHint($0.bytes) || SecretClue.isWholeDirective($0.bytes) }
        }
        switch name {
        case "masteruser": return arguments.count > 1
        case "rename-command": return arguments.count > 2
        case "replicaof":
            return arguments.count > 2
                || (arguments.count == 1 && SecretClue.isAddressWithPassword(arguments[0].bytes))
        case _ where name.isSecret || name == "loadmodule": return false
        case _ where name.takesMany: return SecretClue.isAmong(arguments)
        default:
            return arguments.count > 1
                ? arguments.contains { SecretClue.isHint($0.bytes) }
                : arguments.contains { SecretClue.isWholeDirective($0.bytes) }
        }
    }

    /// Whether a server knows the name.
    public var isKnown: Bool { KnownNames.contains(spelling.span) }

    /// Whether the name may be shown: a word alone that no server knows may be a password, as where a secret's file is
    /// included.
    public var mayShowName: Bool {
        isKnown || !(arguments.isEmpty || isMisspelledSecret || hasMisplacedSecret)
    }

    /// How many of the arguments may be shown, from the first on; nil where all may.
    ///
    /// What a module is given may be its password, the new name of a command is one to those who know it, and what stands
    /// behind a name that no server knows may be anything.
    public var shownArgumentCount: Int? {
        if values.dropFirst(name == "rename-command" ? 1 : 0).allSatisfy(\.isEmpty) { return nil }
        if mayHoldSecret || !isKnown { return 0 }
        return name == "loadmodule" || name == "rename-command" ? 1 : nil
    }

    /// Whether the line, in a comment, is a sentence and no directive that was put out of use.
    fileprivate var isProse: Bool {
        switch name {
        case "user": !arguments.contains { $0.bytes.first == UInt8(ascii: ">") }
        case "sentinel": false
        case "rename-command": arguments.count != 2
        case "loadmodule": arguments.first?.bytes.contains(Byte.slash) != true
        default: !name.isSecret || arguments.count > 1
        }
    }
}

extension ArraySlice {
    /// The elements at the end that a condition holds for.
    fileprivate func suffix(where condition: (Element) -> Bool) -> ArraySlice {
        self[(lastIndex { !condition($0) }.map { $0 + 1 } ?? startIndex)...]
    }
}
