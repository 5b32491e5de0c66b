import RedisConf

/// One line of the table, found by its name.
struct DirectiveFacts {
    /// By column: which kind of arguments the directive takes there.
    var kinds: [(kind: DirectiveKind, columns: UInt8)]

    func kind(in column: ServerColumn) -> DirectiveKind? { kinds.first { $0.columns & column.bit != 0 }?.kind }

    /// Which servers know it.
    var columns: [ServerColumn] { ServerColumn.allCases.filter { kind(in: $0) != nil } }
}

extension DirectiveTable {
    /// How the servers read a directive, ignoring case; nil where none of them knows it.
    static func facts(_ name: [UInt8]) -> DirectiveFacts? {
        let table = directives.utf8Span.span
        return line(of: name, in: table).map { facts(behind: $0, in: table) }
    }

    private static func facts(behind fields: Range<Int>, in table: Span<UInt8>) -> DirectiveFacts {
        let kinds = copy(table, fields).split(separator: 0x20).map { field in
            let parts = field.split(separator: UInt8(ascii: "@"))
            return (
                kind: DirectiveKind(String(decoding: parts[0], as: UTF8.self)),
                columns: parts.count > 1 ? mask(parts[1]) : 0xFF
            )
        }
        return DirectiveFacts(kinds: kinds)
    }

    static func hasCommand(_ name: [UInt8], _ column: ServerColumn) -> Bool { has(commands, name, column) }

    static func hasCategory(_ name: [UInt8], _ column: ServerColumn) -> Bool { has(categories, name, column) }

    /// A subcommand with its command, `config|get`; before 7.0 none is known.
    static func hasSubcommand(_ name: [UInt8], _ column: ServerColumn) -> Bool { has(subcommands, name, column) }

    /// Whether a command has subcommands, so that nothing else may stand in their place.
    static func hasSubcommands(_ command: [UInt8], _ column: ServerColumn) -> Bool {
        let beginning = command + [UInt8(ascii: "|")]
        return Array(subcommands.utf8).split(separator: 0x0A).contains { line in
            line.starts(with: beginning)
                && line.lastIndex(of: 0x20).map { mask(line[($0 + 1)...]) & column.bit != 0 } ?? false
        }
    }

    /// Whether a category of 6.0 holds a command.
    static func isMember60(_ command: [UInt8], of category: [UInt8]) -> Bool {
        Array(categories60.utf8).split(separator: 0x0A).contains { line in
            let words = line.split(separator: 0x20)
            return words[0].elementsEqual(category) && words.dropFirst().contains { $0.elementsEqual(command) }
        }
    }

    /// The known name that a word most likely means: one that begins it, or is at most two letters away.
    static func nearest(_ word: [UInt8], in columns: [ServerColumn]) -> String? {
        let word = word.prefix(64).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        let table = directives.utf8Span.span
        var best: (name: [UInt8], distance: Int)?
        var start = 0
        while start < table.count {
            let line = line(at: start, in: table)
            let name = copy(table, line.name)
            start = line.fields.upperBound + 1
            // `maxmemory:` and `maxmemory=2mb` begin with the name, and go on with what no name holds.
            let begins = word.starts(with: name) && word.count > name.count && !isNameByte(word[name.count])
            let limit = min(2, name.count / 4)
            guard begins || abs(name.count - word.count) <= limit else { continue }
            let distance = begins ? 0 : distance(word, name)
            guard begins || (distance <= limit && distance < best?.distance ?? .max) else { continue }
            let facts = facts(behind: line.fields, in: table)
            guard columns.contains(where: { facts.kind(in: $0) != nil }) else { continue }
            if begins { return shown(name) }
            best = (name, distance)
        }
        return best.map { shown($0.name) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte)
            || (0x61...0x7A).contains(byte)
    }

    /// How many letters have to be changed, added or left out.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = diagonal + (right[column] == byte ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }

    private static func has(_ table: String, _ name: [UInt8], _ column: ServerColumn) -> Bool {
        let table = table.utf8Span.span
        return line(of: name, in: table).map { mask(copy(table, $0)[...]) & column.bit != 0 } ?? false
    }

    /// Where the fields of a name stand in a table of lines, which are sorted. Nothing is copied on the way.
    private static func line(of name: [UInt8], in table: Span<UInt8>) -> Range<Int>? {
        var low = 0
        var high = table.count
        while low < high {
            var start = (low + high) / 2
            while start > low, table[start - 1] != 0x0A { start -= 1 }
            let line = line(at: start, in: table)
            switch order(name, table, line.name) {
            case 0: return line.fields
            case ..<0: high = start
            default: low = min(high, line.fields.upperBound + 1)
            }
        }
        return nil
    }

    /// The name that begins here, and the fields behind it.
    private static func line(at start: Int, in table: Span<UInt8>) -> (name: Range<Int>, fields: Range<Int>) {
        var nameEnd = start
        while nameEnd < table.count, table[nameEnd] != 0x20 { nameEnd += 1 }
        var end = nameEnd
        while end < table.count, table[end] != 0x0A { end += 1 }
        return (start..<nameEnd, min(nameEnd + 1, end)..<end)
    }

    /// Below, at or above 0: a name, its letters in lower case, compared with one of the table.
    private static func order(_ name: [UInt8], _ table: Span<UInt8>, _ place: Range<Int>) -> Int {
        for (byte, index) in zip(name, place) {
            let byte = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if byte != table[index] { return byte < table[index] ? -1 : 1 }
        }
        return name.count - place.count
    }

    private static func copy(_ table: Span<UInt8>, _ range: Range<Int>) -> [UInt8] { range.map { table[$0] } }

    /// Two hexadecimal digits.
    private static func mask(_ text: ArraySlice<UInt8>) -> UInt8 {
        text.reduce(0) { $0 << 4 | ($1 < 0x40 ? $1 & 0x0F : ($1 & 0x07) + 9) }
    }
}
