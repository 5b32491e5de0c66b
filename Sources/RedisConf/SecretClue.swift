/// What in a line tells that a secret may stand in it, although the line is not a well-formed secret directive.
///
/// redis-server prints a line that it refuses, so `requirepass: S` shows S. Every clue is about words, never about a value.
enum SecretClue {
    /// Whether a directive's name looks like a misspelled secret directive, or like a secret's name elsewhere:
    /// `requirepass:`, `require-pass`, `requirpass`, `apikey`, `REDIS_PASSWORD=S`, `export`. False for every name that a
    /// server knows: that is the first question, and for nearly every line the only one.
    static func isMisspelled(name: Span<UInt8>) -> Bool { !KnownNames.contains(name) && isMisspelled(unknown: name) }

    /// Whether a word of the name means a secret, regardless of its other words.
    static func isNamedLikeSecret(_ name: Span<UInt8>) -> Bool {
        let letters = letters(name)
        return words.contains { holds(letters, $0) } || isAlmostSecret(name: name) || wholeWords.contains(letters)
            || endsInKey(letters)
    }

    /// As ``isMisspelled(name:)``, of a name that no server knows.
    static func isMisspelled(unknown name: Span<UInt8>) -> Bool {
        if isNamedLikeSecret(name) || !name.indices.contains(where: { isNameByte(name[$0]) && name[$0] > 0x39 }) {
            return true
        }
        // No server has such a name: it is a line from elsewhere, `FOO=S`, `value: S`, `"user bob on >"S`.
        guard let end = name.indices.first(where: { !isNameByte(name[$0]) }) else { return false }
        if name.indices.contains(where: { name[$0] == UInt8(ascii: ">") }) { return true }
        // A byte order mark is a separate fault.
        if end == 0, name.count > 3, name[0] == 0xEF, name[1] == 0xBB, name[2] == 0xBF {
            return isMisspelled(name: name.extracting(3...))
        }
        // `maxmemory: 2mb` and `maxmemory=2mb` are misspelled, and no secret.
        return !KnownNames.contains(name.extracting(0..<end))
    }

    /// What names of directives are made of, those of modules included.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        let letter = Byte.lowercased(byte)
        return (letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z"))
            || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    /// Whether the letters of a name are a secret directive's, or nearly: `require.pass`, `primaryaut=S`, `requirepasS`.
    static func isAlmostSecret(name: Span<UInt8>) -> Bool {
        let all = letters(name)
        let head = letters(name, upToSeparator: true)
        if isNear(head, user) { return true }
        return secretNames.contains { isNear(head, $0) || all.starts(with: $0.dropLast()) }
    }

    /// Whether a name is nearly `masteruser` or `primaryuser`, behind which a password may stand by mistake.
    static func isAlmostUser(name: Span<UInt8>) -> Bool {
        let head = letters(name, upToSeparator: true)
        return userNames.contains { isNear(head, $0) }
    }

    /// Whether an argument that stands where none belongs is a secret, or named like one: `>S`, `masterauth`,
    /// `password=S`, `redis://:S@host`.
    static func isHint(_ argument: [UInt8]) -> Bool {
        if argument.first == UInt8(ascii: ">") || isAddressWithPassword(argument) { return true }
        let letters = letters(argument.span)
        return words.contains { holds(letters, $0) } || isAlmostUser(name: argument.span)
            || (isAlmostSecret(name: argument.span) && letters.count > 5)
            || (hasSeparator(argument) && endsInKey(self.letters(argument.span, upToSeparator: true)))
    }

    /// `redis://user:S@host`: what stands between the slashes and the `@` may be a password.
    static func isAddressWithPassword(_ argument: [UInt8]) -> Bool {
        guard let mark = argument.lastIndex(of: UInt8(ascii: "@")) else { return false }
        return holds(Array(argument[..<mark]), scheme)
    }

    private static func hasSeparator(_ text: [UInt8]) -> Bool {
        text.contains { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }
    }

    /// `key`, `apikey`, `api-key`, `KEY1`, `rootpw`; `key-load-delay` does not.
    private static func endsInKey(_ letters: [UInt8]) -> Bool {
        endings.contains { letters.reversed().starts(with: $0.reversed()) }
    }

    /// Whether an only argument is a secret directive and its secret in one: `x requirepass=S`. A path is none.
    static func isWholeDirective(_ argument: [UInt8]) -> Bool {
        if argument.contains(Byte.slash) || argument.contains(UInt8(ascii: ".")) { return false }
        let letters = letters(argument.span)
        return secretNames.contains { letters.starts(with: $0) && argument.count > $0.count + 1 }
    }

    /// Whether the name of a secret directive stands among the arguments of one that takes many, with something behind it:
    /// `bind 127.0.0.1 requirepass S`, where a line end is missing.
    static func isAmong(_ arguments: [Token]) -> Bool {
        arguments.dropLast().contains { argument in
            let letters = letters(argument.bytes.span)
            return secretNames.contains { holds(letters, $0) }
        }
    }

    /// A quick look for the letters that each of these names has: `pass` or `auth`.
    static func mayStand(in line: Span<UInt8>) -> Bool {
        guard line.count >= 4 else { return false }
        return (0...(line.count - 4)).contains { start in
            let first = Byte.lowercased(line[start])
            let isPass = first == UInt8(ascii: "p")
            guard isPass || first == UInt8(ascii: "a") else { return false }
            let rest = (
                Byte.lowercased(line[start + 1]), Byte.lowercased(line[start + 2]), Byte.lowercased(line[start + 3])
            )
            return isPass
                ? rest == (UInt8(ascii: "a"), UInt8(ascii: "s"), UInt8(ascii: "s"))
                : rest == (UInt8(ascii: "u"), UInt8(ascii: "t"), UInt8(ascii: "h"))
        }
    }

    private static func letters(_ text: Span<UInt8>, upToSeparator: Bool = false) -> [UInt8] {
        var letters: [UInt8] = []
        for index in text.indices {
            let byte = Byte.lowercased(text[index])
            if upToSeparator, byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") { break }
            if byte >= UInt8(ascii: "a"), byte <= UInt8(ascii: "z") { letters.append(byte) }
        }
        return letters
    }

    private static let words = [
        "pass", "auth", "secret", "pasw", "passwd", "pwd", "psw", "token", "cred", "bearer", "jwt", "kennwort",
        "parol", "geheim",
    ].map { Array($0.utf8) }

    private static let endings = ["key", "keys", "pw"].map { Array($0.utf8) }

    /// What a line of a shell begins with, and names that are a part of too many other words.
    private static let wholeWords = [
        "export", "set", "setenv", "declare", "typeset", "readonly", "local", "env", "arg", "echo", "curl", "rediscli",
        "valkeycli", "pin", "otp", "salt",
    ].map { Array($0.utf8) }

    private static let scheme = Array("://".utf8)

    private static let secretNames = [
        "requirepass", "masterauth", "primaryauth", "tlskeyfilepass", "tlsclientkeyfilepass",
    ].map { Array($0.utf8) }

    private static let userNames = ["masteruser", "primaryuser"].map { Array($0.utf8) }

    private static let user = Array("user".utf8)

    private static func holds(_ letters: [UInt8], _ word: [UInt8]) -> Bool {
        guard letters.count >= word.count else { return false }
        return (0...(letters.count - word.count)).contains { letters[$0...].starts(with: word) }
    }

    /// Whether at most two letters of a long name, or one of a short one, are wrong, missing, too many or exchanged.
    private static func isNear(_ letters: [UInt8], _ name: [UInt8]) -> Bool {
        let allowed = name.count > 4 ? 2 : 1
        guard abs(letters.count - name.count) <= allowed else { return false }
        var beforeLast: [Int] = []
        var last = Array(0...name.count)
        for (row, letter) in letters.enumerated() {
            var next = [row + 1]
            for column in name.indices {
                var cost = min(
                    last[column] + (letter == name[column] ? 0 : 1), last[column + 1] + 1, next[column] + 1)
                if row > 0, column > 0, letter == name[column - 1], letters[row - 1] == name[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                next.append(cost)
            }
            beforeLast = last
            last = next
        }
        return last[name.count] <= allowed
    }
}
