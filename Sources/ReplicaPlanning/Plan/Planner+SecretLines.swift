import RedisConf

/// redis-server prints a line that it refuses. A line that it would refuse, and that may hold a secret, stops the start.
extension Planner {
    /// The lines of the files, as they will be: those that were decided again are no longer there.
    mutating func checkSecretLines() {
        var names: [[UInt8]] = []
        var renamed = RenamedCommands(release: releaseOfTable)
        // A file of something else would have as many of them as it has lines.
        var left = 20
        for setting in effective.linesWithTraps where left > 0 {
            let entry = setting.entry
            let isReplaced =
                setting.file == 0
                && (entry.name == "user"
                    ? linesWithPassword.contains(entry.position)
                    : decisions.contains { $0.action != .kept && $0.directive == entry.name })
            if entry.name == "user", let name = entry.values.first {
                // From 7.0 a second line of one user is refused.
                if dialect.has(7, 0), names.contains(name) {
                    report(.error, .secondUserLine, at: origin(of: setting))
                }
                names.append(name)
            }
            guard !isReplaced,
                let problem = problem(ofSecretLine: entry, isIncluded: setting.file != 0)
                    ?? problem(ofRenaming: entry, &renamed)
            else { continue }
            if case .start = problem, isReported(setting) { continue }
            var place = origin(of: setting)
            if case .malformedUser(let rule) = problem {
                place = .file(path: effective.files[setting.file].path, entry.position(ofArgument: rule))
            }
            report(.error, problem, at: place)
            left -= 1
        }
        moveKeyPassphrase()
    }

    /// The lines that redis-server makes of its arguments.
    mutating func checkSecretLines(of arguments: ServerArguments, from origin: Origin) {
        if arguments.settings.isEmpty, !arguments.hasFaults { return }
        if arguments.hasFaults { report(.error, .malformedArguments, at: origin) }
        var hasTLS =
            effective.settings.contains { isOtherTLS($0.entry.name) } || decisions.contains { isOtherTLS($0.directive) }
        var renamed = RenamedCommands(release: releaseOfTable)
        if !arguments.all("rename-command").isEmpty {
            for setting in effective.all("rename-command") { _ = problem(ofRenaming: setting.entry, &renamed) }
        }
        var names = effective.all("user").compactMap { $0.entry.values.first }
        for entry in arguments.document.entries {
            if isOtherTLS(entry.name) { hasTLS = true }
            if isPassphrase(entry.name), entry.values != [[]], !hasTLS { report(.error, .passphraseAlone, at: origin) }
            if entry.name == "user", let name = entry.values.first {
                if dialect.has(7, 0), names.contains(name) { report(.error, .secondUserLine, at: origin) }
                names.append(name)
            }
            if Self.isDockerOption(entry.spelling) { continue }
            guard
                var problem = problem(ofSecretLine: entry, isIncluded: true)
                    ?? problem(ofRenaming: entry, &renamed)
            else { continue }
            // From 7.0 the next option is taken for the value.
            if case .secretArguments = problem, entry.values.first.map({ $0.starts(with: utf8("--")) }) ?? true {
                problem = .secretMissing(entry.name)
            }
            report(.error, problem, at: origin)
        }
    }

    /// The lines of files that arguments include: nothing of ours replaces them.
    mutating func checkSecretLines(ofFilesIncludedIn read: EffectiveConfiguration) {
        for setting in read.linesWithTraps where setting.file != 0 {
            guard let problem = problem(ofSecretLine: setting.entry, isIncluded: true) else { continue }
            report(.error, problem, at: .file(path: read.files[setting.file].path, setting.entry.position))
        }
    }

    /// Why redis-server would refuse a line that may hold a secret; nil where it would not, or where there is no secret.
    private func problem(ofSecretLine entry: Document.Entry, isIncluded: Bool) -> Problem? {
        if isBareComment(entry) { return nil }
        switch entry.name {
        case "user":
            if !dialect.has(6, 0) { return .needsVersion("user", .init(6, 0)) }
            return printedRule(of: entry).map { .malformedUser(rule: $0) }
        case "sentinel": return entry.arguments.isEmpty || isSentinel ? nil : .sentinelLine
        case "requirepass":
            if entry.arguments.count == 1, entry.values[0].count > 512, !dialect.has(6, 2) { return .secretTooLong }
        case "tls-key-file-pass", "tls-client-key-file-pass":
            if !dialect.has(6, 2) { return .needsVersion(entry.name, .init(6, 2)) }
        default: break
        }
        if entry.name.isSecret {
            if entry.arguments.count != 1 { return .secretArguments(entry.name) }
        } else if !entry.isKnown {
            if entry.isOfModule, loadsModules { return nil }
            if entry.isMisspelledSecret || entry.hasMisplacedSecret { return .misspelledSecret }
            return unknownDirective(entry)
        } else if entry.hasMisplacedSecret {
            return entry.arguments.count == 1 ? .misspelledSecret : .misplacedSecret(entry.name.text)
        }
        // Our own file has such a line renamed.
        if isIncluded, Self.isPrimarySpelling(entry), !dialect.knowsPrimaryNames { return .primaryName }
        return nil
    }

    /// No server in the table knows the name, so the one that is started would print the line. Nil
    /// where its version is unknown, or newer.
    private func unknownDirective(_ entry: Document.Entry) -> Problem? {
        guard let release = releaseOfTable else { return nil }
        // From 8.0 a module's settings look as any do.
        if loadsModules, release.columns.contains(.redis80) { return nil }
        if entry.isOfModule, dialect.has(7, 0) { return .start(.moduleSettingWithoutModule) }
        let isRemoved = DirectiveTable.removed.contains { equalsIgnoringCase(entry.spelling, $0) }
        return .start(
            .unknownDirective(
                name: isRemoved ? shown(entry.spelling) : nil, others: [],
                instead: isRemoved ? nil : DirectiveTable.nearest(entry.spelling, in: release.columns),
                server: release.name))
    }

    private func problem(ofRenaming entry: Document.Entry, _ renamed: inout RenamedCommands) -> Problem? {
        if entry.name != "rename-command" || loadsModules { return nil }
        return renamed.take(entry.values).map { .start($0) }
    }

    /// The server that the variables tell of, where the table speaks for it.
    private var releaseOfTable: ServerRelease? { dialect.release.flatMap { $0.isInTable ? $0 : nil } }

    /// Whether an error is reported of the same line.
    private func isReported(_ setting: EffectiveConfiguration.Setting) -> Bool {
        diagnostics.contains { diagnostic in
            guard diagnostic.severity == .error, case .file(let path, let place) = diagnostic.origin else {
                return false
            }
            return place.line == setting.entry.position.line && path == effective.files[setting.file].path
        }
    }

    /// `primaryauth` and `primaryuser`: Redis refuses them, and prints the line. Every server knows the older names.
    mutating func renamePrimaryNames() {
        if dialect.knowsPrimaryNames { return }
        for name: DirectiveName in ["masterauth", "masteruser"] {
            for setting in effective.all(name) where setting.file == 0 && Self.isPrimarySpelling(setting.entry) {
                document.replace(setting.entry, with: setting.entry.values)
            }
        }
    }

    static func isPrimarySpelling(_ entry: Document.Entry) -> Bool {
        ["primaryauth", "primaryuser"].contains { equalsIgnoringCase(entry.spelling, $0) }
    }

    /// A server that was built without TLS refuses the first TLS line: let that not be the one with the secret.
    private mutating func moveKeyPassphrase() {
        let names: [DirectiveName] = ["tls-key-file-pass", "tls-client-key-file-pass"]
        // An empty one is no secret.
        guard names.contains(where: { scalar($0).map { !$0.isEmpty } ?? false }),
            let first = effective.settings.first(where: { $0.entry.name.text.hasPrefix("tls-") }),
            isPassphrase(first.entry.name), first.entry.values != [[]]
        else { return }
        if first.file != 0 {
            report(.error, .passphraseAlone, at: origin(of: first))
            return
        }
        let others = effective.settings.contains { isOtherTLS($0.entry.name) }
        if !others, !decisions.contains(where: { isOtherTLS($0.directive) }) {
            report(.error, .passphraseAlone, at: origin(of: first))
        }
        for name in names {
            guard let value = value(name), document.remove(name) > 0 else { continue }
            document.add(name, value)
        }
    }

    private func isOtherTLS(_ name: DirectiveName) -> Bool {
        name.text.hasPrefix("tls-") && !isPassphrase(name)
    }

    private func isPassphrase(_ name: DirectiveName) -> Bool {
        name == "tls-key-file-pass" || name == "tls-client-key-file-pass"
    }

    /// Whether ``checkTraps()`` refuses the line already.
    private func isBareComment(_ entry: Document.Entry) -> Bool {
        if ["user", "rename-command", "loadmodule", "sentinel"].contains(entry.name) || entry.isMisspelledSecret {
            return false
        }
        return entry.arguments.dropFirst().contains { !$0.isQuoted && $0.bytes.first == UInt8(ascii: "#") }
    }

    private var isSentinel: Bool { serverArguments(invocation.serverArguments).isSentinel }

    private var loadsModules: Bool {
        guard dialect.has(7, 0) else { return false }
        let flags = (try? splitArguments(environment["REDIS_EXTRA_FLAGS"] ?? []))?.map(\.bytes) ?? []
        return value("loadmodule") != nil
            || !serverArguments(invocation.serverArguments + flags).all("loadmodule").isEmpty
    }
}

extension Dialect {
    /// Whether the server knows `primaryauth` and `primaryuser`.
    var knowsPrimaryNames: Bool { flavour == .valkey && surelyHas(8, 0) }
}
