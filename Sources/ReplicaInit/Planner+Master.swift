import RedisConf

extension Planner {
    /// `REDIS_REPLICATION_MODE`; a replica where it is not set.
    mutating func decideRole() {
        guard let mode = environment["REDIS_REPLICATION_MODE"] else { return }
        switch String(decoding: mode, as: UTF8.self).lowercased() {
        case "replica", "slave": role = .replica
        case "master", "primary": role = .master
        case "standalone": role = .standalone
        default: report(.error, .unknownMode(mode), at: .environment("REDIS_REPLICATION_MODE"))
        }
    }

    /// `replicaof`, by the environment before the file.
    mutating func decideMaster() {
        let written = effective.all("replicaof")
        for setting in written.dropLast() where setting.file == 0 {
            report(.warning, .shadowedReplicaof, at: origin(of: setting))
        }
        let included = written.last { $0.file != 0 }
        guard role == .replica else {
            removeMaster(included: included)
            return
        }
        if let included { report(.warning, .includedReplicaof, at: origin(of: included)) }
        if let host = masterHost() {
            let port = masterPort(ofHostFrom: host.variable) ?? 6379
            setMaster(host: host.host, port: port, from: host.origin)
        } else if let setting = written.last, setting.entry.values != Self.nobody {
            keepMaster(setting)
        } else if !diagnostics.contains(where: \.isMalformedHost) {
            report(.error, .masterMissing)
        }
    }

    /// The master's host by the environment, and the variable it came from.
    private mutating func masterHost() -> (host: [UInt8], origin: Origin, variable: String)? {
        let useDNS = readsHostsFromDNS()
        let chosen = host(from: "REDIS_MASTER_HOST")
        let injected = useDNS ? nil : host(from: "REDIS_MASTER_SERVICE_HOST")
        if let chosen {
            if let injected, injected != chosen {
                report(.note, .otherMaster(used: "REDIS_MASTER_HOST"), at: .environment("REDIS_MASTER_SERVICE_HOST"))
            }
            return (chosen, .environment("REDIS_MASTER_HOST"), "REDIS_MASTER_HOST")
        }
        if let injected {
            return (injected, .environment("REDIS_MASTER_SERVICE_HOST"), "REDIS_MASTER_SERVICE_HOST")
        }
        return useDNS ? (utf8("redis-master"), .environment("GET_HOSTS_FROM"), "GET_HOSTS_FROM") : nil
    }

    private mutating func readsHostsFromDNS() -> Bool {
        guard let value = environment["GET_HOSTS_FROM"] else { return false }
        if equalsIgnoringCase(value, "dns") { return true }
        if !equalsIgnoringCase(value, "env") {
            report(.error, .unknownHostsFrom(value), at: .environment("GET_HOSTS_FROM"))
        }
        return false
    }

    private mutating func host(from variable: String) -> [UInt8]? {
        guard let value = environment[variable] else { return nil }
        if Address.isServiceLink(value) {
            report(.note, .serviceLink, at: .environment(variable))
            return nil
        }
        let host = Address.withoutBrackets(value)
        if Address.isHost(host) { return host }
        report(.error, .malformedHost(value), at: .environment(variable))
        return nil
    }

    /// A master named on purpose is not reached at the port of a Service that happens to exist.
    private mutating func masterPort(ofHostFrom variable: String) -> Int? {
        let isOther =
            variable == "REDIS_MASTER_HOST" && environment["REDIS_MASTER_SERVICE_HOST"] != nil
            && environment["REDIS_MASTER_SERVICE_HOST"] != environment["REDIS_MASTER_HOST"]
        let service = isOther ? [] : ["REDIS_MASTER_SERVICE_PORT"]
        return port(from: ["REDIS_MASTER_PORT_NUMBER"] + service + ["REDIS_MASTER_PORT"])?.port
    }

    private mutating func setMaster(host: [UInt8], port: Int, from origin: Origin) {
        if isSelf(host, port) { report(.error, .replicatesItself(host: host, port: port), at: origin) }
        set("replicaof", to: [host, utf8(String(port))], from: origin, spelled: dialect.replicaof)
    }

    /// The file names the master: its line stays, in the main file.
    private mutating func keepMaster(_ setting: EffectiveConfiguration.Setting) {
        let values = setting.entry.values
        guard values.count == 2, let port = Address.port(values[1]) else {
            report(.error, .malformedReplicaof, at: origin(of: setting))
            return
        }
        if isSelf(values[0], port) {
            report(.error, .replicatesItself(host: values[0], port: port), at: origin(of: setting))
        }
        set("replicaof", to: values, from: origin(of: setting), spelled: dialect.replicaof)
    }

    /// A master follows nobody, also where an included file says otherwise (`replicaof no one` is valid from 6.0).
    private mutating func removeMaster(included: EffectiveConfiguration.Setting?) {
        let origin: Origin =
            environment["REDIS_REPLICATION_MODE"] == nil ? .preset : .environment("REDIS_REPLICATION_MODE")
        if let included {
            report(dialect.has(6, 0) ? .warning : .error, .includedReplicaof, at: self.origin(of: included))
            set("replicaof", to: Self.nobody, from: origin)
        } else if document.remove("replicaof") > 0 {
            decisions.append(Decision(directive: "replicaof", arguments: [], origin: origin, action: .removed))
        }
    }

    /// Whether a master's address is this server's own.
    private func isSelf(_ host: [UInt8], _ port: Int) -> Bool {
        guard port == ownPort || port == scalar("replica-announce-port").flatMap(number) else { return false }
        if host == environment["POD_IP"] || host == scalar("replica-announce-ip") { return true }
        if !identity.hostname.isEmpty, host == identity.hostname { return true }
        // A pod of a StatefulSet has names under its Service: redis-0.redis-nodes.
        if let pod = environment["POD_NAME"], host == pod || host.starts(with: pod + utf8(".")) { return true }
        guard Address.isLoopback(host), let bind = value("bind") else { return false }
        return bind.contains { $0 == host || !Address.isLoopback($0) }
    }

    private static var nobody: [[UInt8]] { [utf8("no"), utf8("one")] }
}

extension Diagnostic {
    fileprivate var isMalformedHost: Bool {
        switch problem {
        case .malformedHost, .unknownHostsFrom: true
        default: false
        }
    }
}
