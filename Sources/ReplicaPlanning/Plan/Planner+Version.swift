import RedisConf

/// Where no variable tells the version, the installed server is asked only if something turns on it: asking costs a start more
/// than everything else that is decided.
extension Planner {
    static func dependsOnVersion(
        _ effective: EffectiveConfiguration, _ invocation: Invocation, _ environment: Environment
    ) -> Bool {
        // Text behind a closing quote, and a pattern that an older server takes for a name.
        if effective.faults.contains(where: { $0.fault == .textAfterQuote }) { return true }
        if effective.hasPattern { return true }
        // A passphrase is refused, and printed, by 6.0.
        if ["tls-key-file-pass", "tls-client-key-file-pass"].contains(where: { effective.last($0) != nil }) {
            return true
        }
        let included = ["masterauth", "masteruser"].flatMap { (name: DirectiveName) in
            effective.all(name).filter { $0.file != 0 }
        }
        if included.contains(where: { isPrimarySpelling($0.entry) }) { return true }
        return haveUsersManyMeanings(effective) || dependOnVersion(arguments(invocation, environment))
    }

    private static func arguments(_ invocation: Invocation, _ environment: Environment) -> [[UInt8]] {
        guard let flags = environment["REDIS_EXTRA_FLAGS"] else { return invocation.serverArguments }
        return invocation.serverArguments + ((try? splitArguments(flags)) ?? []).map(\.bytes)
    }

    /// A second line of one user, and rules that some servers take.
    private static func haveUsersManyMeanings(_ effective: EffectiveConfiguration) -> Bool {
        let users = effective.all("user").map { $0.entry.values }
        if users.isEmpty { return false }
        let names = users.compactMap { $0.first }
        if Set(names).count < names.count { return true }
        // Each has its own grammar; those between have one of these.
        let columns: [ServerColumn] = [.redis60, .redis62, .redis70, .valkey91]
        return users.contains { values in
            let verdicts = columns.map { column in
                AccessRules.fault(
                    Array(values.dropFirst()), column: column, purpose: .printing,
                    channelsAreOpen: column == .redis62)?.argument
            }
            return verdicts.contains { $0 != verdicts[0] }
        }
    }

    /// A quote within an argument, a name behind a name, and a user or a passphrase.
    private static func dependOnVersion(_ arguments: [[UInt8]]) -> Bool {
        let dashes = utf8("--")
        for (index, argument) in arguments.enumerated() {
            if argument.contains(UInt8(ascii: "\"")) { return true }
            guard argument.starts(with: dashes) else { continue }
            let next = arguments.indices.contains(index + 1) ? arguments[index + 1] : nil
            if next?.starts(with: dashes) ?? true { return true }
            if ["--user", "--include"].contains(where: { equalsIgnoringCase(argument, $0) }) { return true }
            if equalsIgnoringCase(argument, "--tls-key-file-pass") { return true }
            if equalsIgnoringCase(argument, "--tls-client-key-file-pass") { return true }
        }
        return false
    }
}
