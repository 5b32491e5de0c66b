import RedisConf

/// What the directives want that no simple kind describes, by what the servers of ``DirectiveTable`` do.
enum DirectiveRule {
    /// What a server of one column refuses; nil where it takes the arguments.
    static func fault(_ name: String, _ given: [[UInt8]], column: ServerColumn) -> ArgumentFault? {
        var arguments = given
        if column.splitsQuotedLists, given.count == 1, isList(name) {
            guard let parts = try? splitArguments(given[0], quotes: column == .valkey91 ? .joinsText : .endsToken)
            else {
                return .count("a list whose quotes are closed")
            }
            arguments = parts.map(\.bytes)
        }
        switch name {
        case "save": return save(arguments, column)
        case "bind":
            if column.isBefore7, given.isEmpty { return .count("at least one address") }
            return arguments.count > 16 ? .count("at most 16 addresses") : nil
        case "limit": return limit(arguments, column)
        case "scores":
            guard arguments.count == 3 else { return .count("three numbers") }
            return first(arguments, "a number from -2000 to 2000") {
                wholeNumber($0).map(abs).map { $0 <= 2000 } ?? false
            }
        case "percentiles":
            return first(arguments, "a percentile from 0 to 100", isPercentile)
        case "signals":
            let words = ["default", "save", "nosave", "now", "force"]
            if arguments.isEmpty { return .count("at least one argument") }
            if let fault = first(arguments, DirectiveKind.listed(words), { value in isOne(value, of: words) }) {
                return fault
            }
            let both = ["save", "nosave"].allSatisfy { word in arguments.contains { equalsIgnoringCase($0, word) } }
            return both ? .count("either save or nosave") : nil
        case "master":
            guard arguments.count == 2 else { return .count("a host and a port") }
            let isNone = equalsIgnoringCase(arguments[0], "no") && equalsIgnoringCase(arguments[1], "one")
            if isNone || arguments[1].isEmpty { return nil }
            return first([arguments[1]], "a port from 0 to 65535") { port in
                number(port).map { $0 <= 65535 } ?? false
            }
        case "rename": return given.count == 2 ? nil : .count("the command's name and its new one")
        case "module": return given.isEmpty ? .count("the module's path") : nil
        case "path": return given.count == 1 ? nil : .count("one path")
        case "user": return given.isEmpty ? .count("the user's name and its rules") : nil
        case "sentinel": return given.isEmpty ? nil : .count("a server that runs as Sentinel")
        default: break
        }
        guard given.count == 1, let value = given.first else { return .count("one argument") }
        return single(name, value, column).map { .value(value, $0) }
    }

    /// What is wanted of the one argument, where it is not that.
    private static func single(_ name: String, _ value: [UInt8], _ column: ServerColumn) -> String? {
        switch name {
        case "events":
            let known = utf8("AKEg$lshzxetm" + (column == .redis60 ? "" : "d") + (column.isBefore7 ? "" : "n"))
            return value.allSatisfy(known.contains)
                ? nil : "some of the letters \(String(decoding: known, as: UTF8.self))"
        case "append":
            if value.isEmpty, !column.isBefore7 { return "a file name" }
            return DirectiveKind.fileName.fault([value], column: column).map { _ in "a file name without a folder" }
        case "dump":
            if value.isEmpty, column.isValkey { return "a file name" }
            return DirectiveKind.fileName.fault([value], column: column).map { _ in "a file name without a folder" }
        case "title":
            return isTitle(value)
                ? nil : "a text in which {title}, {port} and the like are closed, and not all is empty"
        case "ipv4":
            let isFine = value.isEmpty || value.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
            return isFine ? nil : "an IPv4 address"
        case "ipv6":
            return value.isEmpty || value.contains(UInt8(ascii: ":")) ? nil : "an IPv6 address"
        case "hostname":
            let isFine = value.count < 256 && value.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x2E }
            return isFine ? nil : "letters, digits, hyphens and dots"
        case "nodename":
            let others = utf8("!#$%&()*+-./:;<>?@[]^{|}~_")
            let isFine = value.count < 256 && value.allSatisfy { isAlphanumeric($0) || others.contains($0) }
            return isFine ? nil : "letters, digits and plain signs"
        default: return nil
        }
    }

    private static func save(_ arguments: [[UInt8]], _ column: ServerColumn) -> ArgumentFault? {
        if column.isBefore7 {
            // Any other count is taken without a word, and without an effect.
            guard arguments.count == 2 else { return nil }
            return leadingNumber(arguments[0]) < 1 || leadingNumber(arguments[1]) < 0
                ? .value(arguments[0], "seconds and changes") : nil
        }
        if arguments == [[]] { return nil }
        guard arguments.count % 2 == 0 else { return .count("pairs of seconds and changes") }
        for (index, argument) in arguments.enumerated() {
            let least = index % 2 == 0 ? 1 : 0
            guard let value = looseNumber(argument), value >= least else {
                return .value(argument, "seconds and changes")
            }
        }
        return nil
    }

    private static func limit(_ arguments: [[UInt8]], _ column: ServerColumn) -> ArgumentFault? {
        let words = "a class (normal, replica or pubsub), two sizes and seconds"
        guard column.isBefore7 ? arguments.count == 4 : arguments.count % 4 == 0 else { return .count(words) }
        for start in stride(from: 0, to: arguments.count, by: 4) {
            let classes = ["normal", "slave", "replica", "pubsub"]
            guard isOne(arguments[start], of: classes) else {
                return .value(arguments[start], "the class normal, replica or pubsub")
            }
            if column.isBefore7 {
                if leadingNumber(arguments[start + 3]) < 0 { return .value(arguments[start + 3], "seconds") }
                continue
            }
            for size in arguments[(start + 1)...(start + 2)] where memorySize(size, column: column) == nil {
                return .value(size, "a size such as 100mb")
            }
            guard let seconds = looseNumber(arguments[start + 3]), seconds >= 0 else {
                return .value(arguments[start + 3], "seconds")
            }
        }
        return nil
    }

    // MARK: Values

    private static func first(
        _ arguments: [[UInt8]], _ wanted: String, _ isFine: ([UInt8]) -> Bool
    ) -> ArgumentFault? {
        arguments.first { !isFine($0) }.map { .value($0, wanted) }
    }

    private static func isOne(_ value: [UInt8], of words: [String]) -> Bool {
        words.contains { equalsIgnoringCase(value, $0) }
    }

    /// Whether it may be given as one quoted list, which servers from 7.0 split as they split a line.
    private static func isList(_ name: String) -> Bool {
        ["save", "bind", "limit", "scores", "percentiles", "signals", "master"].contains(name)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    /// A number from 0 to 100 as strtod reads one: digits, a fraction, an exponent.
    private static func isPercentile(_ text: [UInt8]) -> Bool {
        let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
        var rest = text[...]
        if rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        let whole = rest.prefix(while: isDigit)
        rest = rest[whole.endIndex...]
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest[(rest.startIndex + 1 + fraction.count)...]
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return false }
        var value = 0.0
        for digit in whole { value = value * 10 + Double(digit - 0x30) }
        var weight = 0.1
        for digit in fraction {
            value += Double(digit - 0x30) * weight
            weight /= 10
        }
        if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            let isNegative = rest.first == UInt8(ascii: "-")
            if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            guard !rest.isEmpty, rest.count < 4, let exponent = number(Array(rest)) else { return false }
            for _ in 0..<exponent { value = isNegative ? value / 10 : value * 10 }
            rest = []
        }
        return rest.isEmpty && value <= 100
    }

    /// Whether all of `{…}` are closed and known, and something is left of it where nothing has a value yet.
    private static func isTitle(_ template: [UInt8]) -> Bool {
        let known: [String: Bool] = [
            "title": false, "listen-addr": true, "server-mode": false, "port": true, "tls-port": true,
            "unixsocket": false, "config-file": true,
        ]
        var hasText = false
        var index = 0
        while index < template.count {
            guard template[index] == UInt8(ascii: "{") else {
                if template[index] != 0x20 { hasText = true }
                index += 1
                continue
            }
            if index + 1 < template.count, template[index + 1] == UInt8(ascii: "{") {
                hasText = true
                index += 2
                continue
            }
            guard let end = template[index...].firstIndex(of: UInt8(ascii: "}")),
                let value = known[String(decoding: template[(index + 1)..<end], as: UTF8.self)]
            else { return false }
            if value { hasText = true }
            index = end + 1
        }
        return hasText
    }
}

/// What atoi makes of a text: the number it begins with, 0 where there is none.
func leadingNumber(_ text: [UInt8]) -> Int {
    let trimmed = text.drop { $0 == 0x20 || (9...13).contains($0) }
    let isNegative = trimmed.first == UInt8(ascii: "-")
    let unsigned = isNegative || trimmed.first == UInt8(ascii: "+") ? trimmed.dropFirst() : trimmed
    let value = unsigned.prefix { (0x30...0x39).contains($0) }.reduce(0) { min(1 << 31, $0 * 10 + Int($1 - 0x30)) }
    return isNegative ? -value : value
}

/// What strtoll makes of a whole text; nil where something is left over. An empty text is 0.
func looseNumber(_ text: [UInt8]) -> Int? {
    let trimmed = text.drop { $0 == 0x20 || (9...13).contains($0) }
    let digits =
        trimmed.first == UInt8(ascii: "-") || trimmed.first == UInt8(ascii: "+") ? trimmed.dropFirst() : trimmed
    guard !digits.isEmpty || text.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return leadingNumber(text)
}
