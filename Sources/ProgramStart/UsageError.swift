/// What is wrong with a program's arguments, in one line.
package struct UsageError: CustomStringConvertible {
    package let program: String
    /// Why, as ArgumentParser says it, with the arguments as they came.
    package let message: String
    package let arguments: ArraySlice<String>
    package let subcommands: [String]

    package init(program: String, message: String, arguments: ArraySlice<String>, subcommands: [String]) {
        self.program = program
        self.message = message
        self.arguments = arguments
        self.subcommands = subcommands
    }

    package var description: String {
        var reason = message
        // One in another one is escaped with it.
        for argument in arguments.sorted(by: { $0.utf8.count > $1.utf8.count }) {
            let escaped = Self.escaped(argument)
            if escaped != argument { reason = reason.replacing(argument, with: escaped) }
        }
        // Sentences of its own come on lines of their own.
        let lines = reason.split(whereSeparator: \.isNewline).map { line in
            Self.escaped(String(line.drop { $0 == " " }))
        }
        let said = lines.joined(separator: " ")
        let end = said.hasSuffix(".") || said.hasSuffix("?") ? "" : "."
        let meant = arguments.first.flatMap { nearest(to: $0) }.map { " Did you mean '\($0)'?" } ?? ""
        return "\(program): error: \(said)\(end)\(meant) See '\(program) --help'."
    }

    /// The sub-command that an argument is most probably meant to be.
    private func nearest(to argument: String) -> String? {
        guard !argument.hasPrefix("-"), !subcommands.contains(argument), argument.utf8.count <= 64 else { return nil }
        let distances = subcommands.map { (name: $0, distance: Self.distance(argument, $0)) }
        guard let nearest = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        return nearest.distance <= max(1, nearest.name.utf8.count / 3) ? nearest.name : nil
    }

    /// How many letters have to be added, removed, replaced, or exchanged with their neighbour.
    package static func distance(_ one: String, _ other: String) -> Int {
        let (a, b) = (Array(one.utf8), Array(other.utf8))
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
                row.append(cost)
            }
            (before, last) = (last, row)
        }
        return last[b.count]
    }

    /// With what a terminal obeys, or what turns text around, as escapes.
    package static func escaped(_ text: String) -> String {
        var shown = ""
        for character in text.unicodeScalars {
            switch character.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                shown += #"\u{\#(String(character.value, radix: 16))}"#
            default: shown.unicodeScalars.append(character)
            }
        }
        return shown
    }
}
