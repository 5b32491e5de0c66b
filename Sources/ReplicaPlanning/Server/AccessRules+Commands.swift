import RedisConf

/// `+get`, `-@all`, `+config|get`: what each version makes of commands, categories and subcommands.
extension AccessRules {
    mutating func commandRefusal(_ rule: [UInt8]) -> Refusal? {
        let name = rule.dropFirst().map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        let isAdded = rule.first == UInt8(ascii: "+")
        if name.first == UInt8(ascii: "@") {
            history.append((isAdded, name))
            let isKnown = name == utf8("@all") || hasCategory(Array(name.dropFirst()))
            return isKnown ? nil : .init(reason: "a category of commands that it does not know", isUnknownCommand: true)
        }
        guard let bar = name.firstIndex(of: Self.bar) else {
            history.append((isAdded, name))
            return hasCommand(name) ? nil : Self.unknown
        }
        let last = name.lastIndex(of: Self.bar) ?? bar
        let command = Array(name[..<bar])
        if column.isBefore7 {
            // Any first argument; it can be granted, but not revoked.
            guard isAdded, hasCommand(command) else { return Self.unknown }
            if column == .redis60, mayUse(command) {
                return .init(reason: "a subcommand of a command that it has whole")
            }
            return bar + 1 == name.count ? Self.empty : nil
        }
        if DirectiveTable.hasSubcommand(name, column) { return nil }
        // A module's command may have subcommands.
        if purpose == .startingWithModules, !DirectiveTable.hasCommand(command, column) { return nil }
        guard isAdded, hasCommand(command) else { return Self.unknown }
        if bar != last {
            let isSubcommand = DirectiveTable.hasSubcommand(Array(name[..<last]), column)
            return isSubcommand ? .init(reason: "a first argument of a subcommand") : Self.unknown
        }
        if bar + 1 == name.count { return Self.empty }
        return DirectiveTable.hasSubcommands(command, column)
            ? .init(reason: "a subcommand that it does not know", isUnknownCommand: true) : nil
    }

    private static var bar: UInt8 { UInt8(ascii: "|") }
    private static var unknown: Refusal { .init(reason: "a command that it does not know", isUnknownCommand: true) }
    private static var empty: Refusal { .init(reason: "an empty subcommand") }

    private func hasCommand(_ name: [UInt8]) -> Bool {
        switch purpose {
        case .starting: DirectiveTable.hasCommand(name, column)
        case .startingWithModules: !name.isEmpty
        case .printing: true
        }
    }

    private func hasCategory(_ name: [UInt8]) -> Bool {
        switch purpose {
        case .starting: DirectiveTable.hasCategory(name, column)
        case .startingWithModules: !name.isEmpty
        case .printing: true
        }
    }

    /// Whether the rules so far give the whole command: the last one that concerns it counts.
    private func mayUse(_ command: [UInt8]) -> Bool {
        let concerning = history.last { _, name in
            name == command || name == utf8("@all")
                || (name.first == UInt8(ascii: "@") && DirectiveTable.isMember60(command, of: Array(name.dropFirst())))
        }
        return concerning?.isAdded ?? false
    }
}
