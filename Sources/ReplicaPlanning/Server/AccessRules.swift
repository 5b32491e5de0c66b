import RedisConf

/// The rules of one user, as a `user` line or a file of users has them: one grammar for lines that must not be printed and
/// for `check`.
///
/// It is redis/redis `src/acl.c` ACLSetUser, compared with the real servers from 6.0 to Valkey 9.1.
package struct AccessRules {
    /// Which rule a server refuses, and why. Rules may hold passwords: only their kind is named.
    package struct Fault: Equatable, Sendable {
        /// The index of the argument; of a selector its first one.
        package var argument: Int
        package var reason: String
        /// A command or category that the server does not have. It names that alone, and prints no line.
        package var isUnknownCommand: Bool
    }

    package enum Purpose: Sendable {
        /// Whether the server starts.
        case starting
        /// As ``starting``, where modules may bring commands and categories of their own.
        case startingWithModules
        /// Whether the server prints the whole line.
        case printing
    }

    /// The first rule that a server refuses when it starts; nil where it takes them all.
    ///
    /// - Parameters:
    ///   - column: which server reads them.
    ///   - purpose: what the answer is for.
    ///   - channelsAreOpen: whether a new user may use every channel, as `acl-pubsub-default` says.
    package static func fault(
        _ rules: [[UInt8]], column: ServerColumn, purpose: Purpose, channelsAreOpen: Bool
    ) -> Fault? {
        // From 7.0 `(+get`, `~x)` are one selector; they are joined before any rule is looked at.
        var joined: [(argument: Int, rule: [UInt8])] = []
        var isOpen = false
        for (index, rule) in rules.enumerated() {
            if isOpen {
                joined[joined.count - 1].rule += [0x20] + rule
            } else {
                joined.append((index, rule))
                isOpen = !column.isBefore7 && rule.first == UInt8(ascii: "(")
            }
            if isOpen, rule.last == UInt8(ascii: ")") { isOpen = false }
        }
        if isOpen, let selector = joined.last {
            return Fault(
                argument: selector.argument, reason: "a selector without a closing bracket", isUnknownCommand: false)
        }
        var reader = AccessRules(column: column, purpose: purpose, channelsAreOpen: channelsAreOpen)
        for (index, rule) in joined {
            // A server reads on behind a command that it does not have, until a rule makes it print the line.
            if let refusal = reader.refusal(rule), !refusal.isUnknownCommand || purpose != .printing {
                return Fault(argument: index, reason: refusal.reason, isUnknownCommand: refusal.isUnknownCommand)
            }
        }
        return nil
    }

    /// Why one rule is refused.
    struct Refusal {
        var reason: String
        var isUnknownCommand = false
    }

    let column: ServerColumn
    let purpose: Purpose
    private let channelsAreOpen: Bool
    private var hasAllKeys = false
    private var hasAllChannels: Bool
    /// The hashes of the passwords so far; those of `>password` too.
    private var passwords: [[UInt8]] = []
    /// `+get`, `-@read`: what 6.0 has to know of the rules before.
    var history: [(isAdded: Bool, name: [UInt8])] = []

    private init(column: ServerColumn, purpose: Purpose, channelsAreOpen: Bool) {
        self.column = column
        self.purpose = purpose
        self.channelsAreOpen = channelsAreOpen
        hasAllChannels = channelsAreOpen
    }

    /// What is said of the user, not of what it may do.
    private mutating func refusal(_ rule: [UInt8]) -> Refusal? {
        func isWord(_ words: String...) -> Bool { words.contains { equalsIgnoringCase(rule, $0) } }
        guard let sign = rule.first else { return nil }
        if isWord("on", "off") { return nil }
        if isWord("sanitize-payload", "skip-sanitize-payload"), column != .redis60 { return nil }
        if isWord("clearselectors"), !column.isBefore7 { return nil }
        if isWord("nopass", "resetpass") {
            passwords = []
            return nil
        }
        if isWord("reset") {
            self = AccessRules(column: column, purpose: purpose, channelsAreOpen: channelsAreOpen)
            return nil
        }
        let rest = Array(rule.dropFirst())
        switch sign {
        case UInt8(ascii: ">"):
            take(SHA256.hexadecimal(of: rest))
            return nil
        case UInt8(ascii: "<"):
            return remove(SHA256.hexadecimal(of: rest))
                ? nil : Refusal(reason: "< with a password that the user does not have")
        case UInt8(ascii: "#"):
            guard Self.isHash(rest) else {
                return Refusal(reason: "# without the 64 lower-case hexadecimal digits of a SHA-256")
            }
            take(rest)
            return nil
        case UInt8(ascii: "!"):
            return Self.isHash(rest) && remove(rest)
                ? nil : Refusal(reason: "! with a hash that the user does not have")
        case UInt8(ascii: "(") where !column.isBefore7: return selectorRefusal(rest.dropLast())
        default: return permissionRefusal(rule)
        }
    }

    private mutating func take(_ hash: [UInt8]) { if !passwords.contains(hash) { passwords.append(hash) } }

    private mutating func remove(_ hash: [UInt8]) -> Bool {
        guard let index = passwords.firstIndex(of: hash) else { return false }
        passwords.remove(at: index)
        return true
    }

    /// What stands between the brackets is split as a line is; a server takes what cannot be split for nothing.
    private func selectorRefusal(_ text: ArraySlice<UInt8>) -> Refusal? {
        var inner = AccessRules(column: column, purpose: purpose, channelsAreOpen: channelsAreOpen)
        let quotes: QuoteRule = column == .valkey91 ? .joinsText : .endsToken
        for word in (try? splitArguments(Array(text), quotes: quotes)) ?? [] {
            if let refusal = inner.permissionRefusal(word.bytes) { return refusal }
        }
        return nil
    }

    /// Keys, channels, databases and commands: what a selector may hold, too.
    private mutating func permissionRefusal(_ rule: [UInt8]) -> Refusal? {
        func isWord(_ words: String...) -> Bool { words.contains { equalsIgnoringCase(rule, $0) } }
        if isWord("allkeys", "~*", "resetkeys") {
            hasAllKeys = !isWord("resetkeys")
            return nil
        }
        if isWord("allchannels", "&*", "resetchannels"), column != .redis60 {
            hasAllChannels = !isWord("resetchannels")
            return nil
        }
        if isWord("allcommands", "nocommands") {
            history.append((isWord("allcommands"), utf8("@all")))
            return nil
        }
        if column == .valkey91, isWord("alldbs", "resetdbs") { return nil }
        switch rule.first {
        case UInt8(ascii: "~"): return patternRefusal(rule.dropFirst(), "~", isBehindAll: hasAllKeys)
        case UInt8(ascii: "&") where column != .redis60:
            return patternRefusal(rule.dropFirst(), "&", isBehindAll: hasAllChannels)
        case UInt8(ascii: "%") where !column.isBefore7:
            guard let tilde = rule.firstIndex(of: UInt8(ascii: "~")),
                ["r", "w", "rw", "wr"].contains(where: { equalsIgnoringCase(Array(rule[1..<tilde]), $0) })
            else { return Refusal(reason: "% without R or W and a ~") }
            return patternRefusal(rule[(tilde + 1)...], "%", isBehindAll: hasAllKeys)
        case UInt8(ascii: "+"), UInt8(ascii: "-"): return commandRefusal(rule)
        case UInt8(ascii: "d"), UInt8(ascii: "D"):
            guard column == .valkey91, rule.count >= 3, equalsIgnoringCase(Array(rule.prefix(3)), "db=") else { break }
            let numbers = rule.dropFirst(3).split(separator: 0x2C, omittingEmptySubsequences: false)
            return numbers.allSatisfy { number(Array($0)) != nil } ? nil : Refusal(reason: "db= without numbers")
        default: break
        }
        return Refusal(reason: "a rule that it does not know")
    }

    private func patternRefusal(_ pattern: ArraySlice<UInt8>, _ sign: String, isBehindAll: Bool) -> Refusal? {
        if isBehindAll {
            return Refusal(reason: "\(sign) with a pattern behind \(sign == "&" ? "all channels" : "all keys")")
        }
        let hasBlank = pattern.contains { $0 == 0x20 || (9...13).contains($0) || $0 == 0 }
        return hasBlank ? Refusal(reason: "\(sign) with a blank in its pattern") : nil
    }

    private static func isHash(_ text: [UInt8]) -> Bool {
        text.count == 64 && text.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
