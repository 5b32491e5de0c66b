import RedisConf

extension Planner {
    /// What redis-server would refuse to read, wherever it stands.
    mutating func checkFaults() {
        for fault in effective.faults {
            report(.error, .fault(fault.fault), at: .file(path: fault.file, fault.position))
        }
        for line in effective.joinedLines {
            report(.warning, .lineJoined(next: line.next), at: .file(path: line.file, line.position))
        }
        filesToRead += effective.files.dropFirst().map(\.path)
    }

    /// Traps of what is going to be in effect. Lines of the main file that were replaced no longer matter.
    mutating func checkTraps() {
        let decided = decisions.filter { $0.action != .kept }.map(\.directive)
        for setting in effective.linesWithTraps where setting.file != 0 || !decided.contains(setting.entry.name) {
            checkComment(setting)
        }
        checkUsers()
        checkListening()
        checkReplication()
        // A server that speaks no TLS does not look at the files that are named for it.
        let usesTLS = scalar("tls-port").flatMap(number) ?? 0 > 0 || isOn("tls-replication") || isOn("tls-cluster")
        let names: [DirectiveName] = [
            "tls-cert-file", "tls-key-file", "tls-client-cert-file", "tls-client-key-file", "tls-ca-cert-file",
            "tls-dh-params-file",
        ]
        for name in (usesTLS ? names : []) + ["aclfile"] {
            if let path = scalar(name), !path.isEmpty { filesToRead.append(opened(path)) }
        }
    }

    /// A bare `#` behind an argument, except where anything may stand.
    private mutating func checkComment(_ setting: EffectiveConfiguration.Setting) {
        let name = setting.entry.name
        if ["user", "rename-command", "loadmodule", "sentinel"].contains(name) { return }
        if setting.entry.isMisspelledSecret { return }
        guard
            let index = setting.entry.arguments.indices.first(where: { index in
                let token = setting.entry.arguments[index]
                return index > 0 && !token.isQuoted && token.bytes.first == UInt8(ascii: "#")
            })
        else { return }
        report(
            .error, .inlineComment(name),
            at: .file(path: effective.files[setting.file].path, setting.entry.position(ofArgument: index)))
    }

    private mutating func checkUsers() {
        let users = effective.all("user")
        let aclFile = scalar("aclfile").map { !$0.isEmpty } ?? false
        let password = scalar("requirepass").map { !$0.isEmpty } ?? false
        if aclFile, let user = users.first { report(.error, .userWithACLFile, at: origin(of: user)) }
        if aclFile, password { report(.warning, .passwordBesideACLFile) }
        guard password else { return }
        for user in users where DefaultUser.isNamed(by: user.entry.values) {
            if user.file == 0, linesWithPassword.contains(user.entry.position) { continue }
            let isOpen = DefaultUser.isOpen(user.entry.values)
            report(isOpen ? .error : .note, isOpen ? .openDespitePassword : .passwordOverruled, at: origin(of: user))
        }
    }

    private mutating func checkListening() {
        if ownPort == nil, scalar("unixsocket").map(\.isEmpty) ?? true {
            report(.error, .nothingListens, at: effective.last("port").map(origin))
        }
    }

    /// A server of TLS alone has such a master, too.
    private mutating func checkTLS() {
        guard role != .standalone, let port = scalar("tls-port").flatMap(number), port > 0,
            value("tls-replication") == nil
        else { return }
        let isTLSAlone = scalar("port").flatMap(number) == 0
        report(
            isTLSAlone && role == .replica ? .warning : .note, .replicatesInTheClear,
            at: effective.last("tls-port").map(origin))
    }

    private mutating func checkReplication() {
        checkTLS()
        guard role == .replica else { return }
        if isOn("cluster-enabled") {
            report(.error, .clusterEnabled, at: effective.last("cluster-enabled").map(origin))
        }
        if scalar("requirepass").map({ !$0.isEmpty }) == true, scalar("masterauth").map(\.isEmpty) ?? true {
            report(.warning, .masterauthMissing)
        }
    }
}
