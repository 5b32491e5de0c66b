/// The rules of a `user default` line, and what becomes of them where a password is given.
///
/// CONFIG REWRITE stores the user default with the hashes of its passwords, and that line overrules `requirepass` at the next
/// start (redis/redis `src/acl.c` ACLLoadConfiguredUsers): a password that was exchanged since would be refused.
enum DefaultUser {
    enum Outcome: Equatable {
        /// The line takes the password, and no other.
        case settled
        /// These arguments have it do so.
        case changed([[UInt8]])
        /// The line says on purpose that no client needs a password, or that no client may log in.
        case leftAlone
    }

    /// - Parameter arguments: what stands behind `user`: the name, then rules, each of which changes what those before it say.
    static func outcome(_ arguments: [[UInt8]], taking password: [UInt8]) -> Outcome {
        func isWord(_ rule: [UInt8], _ words: String...) -> Bool { words.contains { equalsIgnoringCase(rule, $0) } }
        if isOpen(arguments) { return .leftAlone }
        // What comes before such a rule has no effect on the passwords.
        let barrier = arguments.lastIndex { isWord($0, "reset", "resetpass") } ?? 0
        let passwords = arguments.indices.filter { $0 > 0 && isPassword(arguments[$0]) }
        let wanted = [UInt8(ascii: ">")] + password
        if passwords.count == 1, passwords[0] > barrier {
            let only = arguments[passwords[0]]
            if only == wanted || only == [UInt8(ascii: "#")] + SHA256.hexadecimal(of: password) { return .settled }
        }
        let isOn = arguments.last { isWord($0, "on", "off", "reset") }.map { isWord($0, "on") } ?? false
        guard isOn || !passwords.isEmpty else { return .leftAlone }
        let place = max(passwords.last ?? arguments.count - 1, barrier)
        var result: [[UInt8]] = []
        for (index, rule) in arguments.enumerated() {
            if !passwords.contains(index) { result.append(rule) }
            if index == place { result.append(wanted) }
        }
        return .changed(result)
    }

    /// `>password`, `#hash`, and the two that take one away, which redis-server refuses where there is no such password.
    private static func isPassword(_ rule: [UInt8]) -> Bool {
        [UInt8(ascii: ">"), UInt8(ascii: "#"), UInt8(ascii: "<"), UInt8(ascii: "!")].contains(rule.first)
    }

    /// Whether a line is about the user default.
    static func isNamed(by arguments: [[UInt8]]) -> Bool { arguments.first == utf8("default") }

    /// Whether no password is asked for.
    static func isOpen(_ arguments: [[UInt8]]) -> Bool { arguments.contains { equalsIgnoringCase($0, "nopass") } }
}
