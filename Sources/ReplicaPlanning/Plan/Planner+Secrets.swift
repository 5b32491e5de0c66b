import RedisConf

extension Planner {
    /// A secret from its variable or from the file its `_FILE` variable names: the same bytes either way, without one newline
    /// at the end.
    mutating func secret(_ variable: String) -> (value: [UInt8], origin: Origin)? {
        let plain = environment[variable].map(withoutNewline)
        guard let path = environment[variable + "_FILE"] else {
            return plain.flatMap { checked($0, of: variable, from: .environment(variable)) }
        }
        let origin = Origin.secretFile(variable: variable + "_FILE", path: path)
        let value: [UInt8]
        do throws(FileProblem) {
            value = withoutNewline(try files.secret(inFile: path))
        } catch {
            report(.error, .secretUnreadable(path: path, error), at: .environment(variable + "_FILE"))
            return nil
        }
        if let plain, plain != value, !value.isEmpty {
            report(
                .error,
                .secretTwice(
                    variable: environment.actualName(variable), file: environment.actualName(variable + "_FILE")))
            return nil
        }
        return checked(value, of: variable, from: origin)
    }

    /// A secret that can be used; what is odd in it is reported.
    private mutating func checked(
        _ value: [UInt8], of variable: String, from origin: Origin
    ) -> (value: [UInt8], origin: Origin)? {
        if value.isEmpty {
            report(.error, .secretEmpty, at: origin)
            return nil
        }
        // Of UTF-8, and of UTF-16, in which some editors of Windows save.
        let marks: [[UInt8]] = [[0xEF, 0xBB, 0xBF], [0xFF, 0xFE], [0xFE, 0xFF]]
        if marks.contains(where: { value.starts(with: $0) }) { report(.warning, .secretWithMark, at: origin) }
        if value.contains(UInt8(ascii: "\n")) || value.contains(UInt8(ascii: "\r")) {
            report(.warning, .secretWithNewline, at: origin)
        }
        if value.contains(0), !dialect.has(6, 2) {
            report(.error, .secretWithNUL, at: origin)
            return nil
        }
        if variable == "REDIS_PASSWORD", value.count > 512, !dialect.has(6, 2) {
            report(.error, .secretTooLong, at: origin)
            return nil
        }
        return (value, origin)
    }

    /// The passwords of this server and of its master.
    mutating func decideSecrets() {
        let allowsEmpty = switchValue("ALLOW_EMPTY_PASSWORD")
        let password = secret("REDIS_PASSWORD")
        if let password {
            set("requirepass", to: [password.value], from: password.origin)
            decideDefaultUser(password.value, from: password.origin)
        }
        if let path = environment["REDIS_ACLFILE"] {
            set("aclfile", to: [path], from: .environment("REDIS_ACLFILE"))
        }
        if password == nil, allowsEmpty == false, !hasPassword {
            report(.error, .passwordRequired, at: .environment("ALLOW_EMPTY_PASSWORD"))
        }
        guard role != .standalone else { return }
        if let user = environment["REDIS_MASTER_USER"] {
            require(6, 0, for: "masteruser", at: .environment("REDIS_MASTER_USER"))
            set("masteruser", to: [user], from: .environment("REDIS_MASTER_USER"))
        }
        if let password = secret("REDIS_MASTER_PASSWORD") {
            set("masterauth", to: [password.value], from: password.origin)
        } else if awaitsLeader || followsSentinel, let password {
            // Each node may be another one's master.
            set("masterauth", to: [password.value], from: password.origin)
        }
    }

    /// Has `user default` take the password that is given, and no other, where that line is in the main file.
    private mutating func decideDefaultUser(_ password: [UInt8], from origin: Origin) {
        for setting in effective.all("user") where setting.file == 0 && DefaultUser.isNamed(by: setting.entry.values) {
            switch DefaultUser.outcome(setting.entry.values, taking: password) {
            case .leftAlone: continue
            case .settled: break
            case .changed(let arguments):
                document.replace(setting.entry, with: arguments)
                note("user", arguments, from: origin, .replaced)
                report(.note, .passwordReplaced, at: self.origin(of: setting))
            }
            linesWithPassword.append(setting.entry.position)
        }
    }

    /// Whether a client has to say who it is, as far as the files tell.
    var hasPassword: Bool {
        if let password = scalar("requirepass"), !password.isEmpty { return true }
        if let file = scalar("aclfile"), !file.isEmpty { return true }
        return effective.all("user").contains { setting in
            DefaultUser.isNamed(by: setting.entry.values) && !DefaultUser.isOpen(setting.entry.values)
        }
    }

    mutating func require(_ major: Int, _ minor: Int, for name: DirectiveName, at origin: Origin) {
        if !dialect.has(major, minor) { report(.error, .needsVersion(name, .init(major, minor)), at: origin) }
    }
}

/// What an editor or `echo` puts behind a secret is not a part of it.
private func withoutNewline(_ value: [UInt8]) -> [UInt8] {
    guard value.last == UInt8(ascii: "\n") else { return value }
    return value.dropLast(value.dropLast().last == UInt8(ascii: "\r") ? 2 : 1)
}
