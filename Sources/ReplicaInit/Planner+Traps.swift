import RedisConf

extension Planner {
    /// What redis-server would refuse to read, wherever it stands.
    mutating func checkFaults() {
        for fault in effective.faults {
            report(.error, .fault(fault.fault), at: .file(path: fault.file, fault.position))
        }
        filesToRead += effective.files.dropFirst().map(\.path)
    }

    /// Traps of what is going to be in effect. Lines of the main file that were decided anew are no longer in the way.
    mutating func checkTraps() {
        let decided = decisions.filter { $0.action != .kept }.map(\.directive)
        for setting in effective.linesWithTraps where setting.file != 0 || !decided.contains(setting.entry.name) {
            checkComment(setting)
            checkSecret(setting)
        }
        checkUsers()
        checkListening()
        checkReplication()
        for name: DirectiveName in ["tls-cert-file", "tls-key-file", "tls-ca-cert-file", "aclfile"] {
            if let path = scalar(name), !path.isEmpty { filesToRead.append(path) }
        }
    }

    /// A bare `#` behind an argument, except where anything may stand.
    private mutating func checkComment(_ setting: EffectiveConfiguration.Setting) {
        let name = setting.entry.name
        if ["user", "rename-command", "loadmodule", "sentinel"].contains(name) { return }
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

    /// A secret that redis-server would print because the line has one argument too many or too few.
    private mutating func checkSecret(_ setting: EffectiveConfiguration.Setting) {
        let name = setting.entry.name
        guard name.isSecret, name != "user", name != "sentinel", setting.entry.arguments.count != 1 else { return }
        if setting.entry.arguments.contains(where: { !$0.isQuoted && $0.bytes.first == UInt8(ascii: "#") }) { return }
        report(.error, .secretArguments(name), at: origin(of: setting))
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

    /// Variables that users know from elsewhere and that do nothing here: said, where somebody set them on purpose.
    mutating func checkVariables() {
        for variable in ["REDIS_SENTINEL_HOST", "REDIS_SENTINEL_PORT_NUMBER", "REDIS_SENTINEL_MASTER_NAME"]
        where environment[variable] != nil {
            report(.warning, .sentinelNotAsked, at: .environment(variable))
        }
    }

    private mutating func checkReplication() {
        guard role == .replica else { return }
        if isOn("cluster-enabled") {
            report(.error, .clusterEnabled, at: effective.last("cluster-enabled").map(origin))
        }
        if scalar("requirepass").map({ !$0.isEmpty }) == true, scalar("masterauth").map(\.isEmpty) ?? true {
            report(.warning, .masterauthMissing)
        }
    }
}
