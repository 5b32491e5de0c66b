import RedisConf
import RedisCore

extension Planner {
    /// `REDIS_REPLICATION_MODE`; a replica where it is not set.
    mutating func decideRole() {
        guard let mode = environment["REDIS_REPLICATION_MODE"] else { return }
        switch String(decoding: mode, as: UTF8.self).lowercased() {
        case "replica", "slave": role = .replica
        case "master", "primary": role = .master
        case "standalone": role = .standalone
        case "failover":
            role = .replica
            awaitsLeader = true
        default: report(.error, .unknownMode(mode), at: .environment("REDIS_REPLICATION_MODE"))
        }
    }

    /// `replicaof`, by Sentinel's word before the sidecar's record before the environment before the file.
    mutating func decideMaster() {
        let written = effective.all("replicaof")
        for setting in written.dropLast() where setting.file == 0 {
            report(.warning, .shadowedReplicaof, at: origin(of: setting))
        }
        let included = written.last { $0.file != 0 }
        guard role == .replica else {
            let isSaid = environment["REDIS_REPLICATION_MODE"] != nil
            let origin = isSaid ? Origin.environment("REDIS_REPLICATION_MODE") : .preset
            removeMaster(included: included, from: sentinelWord == .thisServer ? .sentinel : origin)
            return
        }
        if let included { report(.warning, .includedReplicaof, at: origin(of: included)) }
        if awaitsLeader {
            // Nothing can listen on port 0: it refuses writes until the agent promotes it, or has it follow the leader.
            set(
                "replicaof", to: [utf8("127.0.0.1"), utf8("0")], from: .environment("REDIS_REPLICATION_MODE"),
                spelled: dialect.replicaof)
            return
        }
        if case .master(let named)? = sentinelWord {
            let master = NamedMaster(host: Array(named.host.utf8), port: named.port, origin: .sentinel)
            configuredMaster = master
            setMaster(master)
            return
        }
        configuredMaster = namedMaster(written: written.last)
        guard let master = configuredMaster else {
            // Sentinel is going to name it.
            let isMissing = !followsSentinel && !diagnostics.contains(where: \.isMisnamedMaster)
            if isMissing { report(.error, .masterMissing) }
            return
        }
        if let record = record(overruling: master) {
            follow(record.following, instead: master, from: .record(path: MasterRecordFile.path(environment)), included)
        } else if followsSentinel, ownPlace.contains(master.host, master.port) {
            // All nodes may have one and the same first guess, and Sentinel's word comes before it. Where that is not to be had,
            // this server starts as any master does.
            let address = "\(master.address)"
            report(.note, .sentinelGuessIsItself(address), at: master.origin)
            configuredMaster = nil
            role = .master
            sentinelMode = .master
            removeMaster(included: included, from: master.origin)
        } else {
            setMaster(master)
        }
    }

    /// The master that the environment names, else the file.
    private mutating func namedMaster(written: EffectiveConfiguration.Setting?) -> NamedMaster? {
        if let host = masterHost() {
            let port = masterPort(ofHostFrom: host.variable)
            if port == nil, let own = ownPort, own != 6379, isOn("tls-replication") {
                report(.warning, .masterPortAssumed(own: own), at: host.origin)
            }
            return NamedMaster(host: host.host, port: port ?? 6379, origin: host.origin)
        }
        guard let written, written.entry.values != Self.nobody, !diagnostics.contains(where: \.isMisnamedMaster) else {
            return nil
        }
        let values = written.entry.values
        guard values.count == 2, let port = Address.port(values[1]) else {
            report(.error, .malformedReplicaof, at: origin(of: written))
            return nil
        }
        guard Address.isHost(values[0]) else {
            report(.error, .malformedHost(values[0]), at: origin(of: written))
            return nil
        }
        return NamedMaster(host: values[0], port: port, origin: origin(of: written))
    }

    /// The sidecar's record, where it was made in the place of this master.
    private mutating func record(overruling master: NamedMaster) -> MasterRecord? {
        guard heedsRecord else { return nil }
        let path = MasterRecordFile.path(environment)
        let contents: [UInt8]
        do throws(FileProblem) {
            contents = try files.contents(ofFile: path)
        } catch {
            if error != .missing { report(.warning, .recordUnusable, at: .record(path: path)) }
            return nil
        }
        guard let record = MasterRecord(parsing: contents) else {
            report(.warning, .recordUnusable, at: .record(path: path))
            return nil
        }
        return record.overrules(master.address) ? record : nil
    }

    private mutating func follow(
        _ following: MasterRecord.Following, instead master: NamedMaster, from origin: Origin,
        _ included: EffectiveConfiguration.Setting?
    ) {
        let problem = Problem.recordHeeded("\(following)", instead: "\(master.address)")
        switch following {
        case .master(let other):
            report(.note, problem, at: origin)
            setMaster(NamedMaster(host: Array(other.host.utf8), port: other.port, origin: origin))
        case .nobody:
            report(.warning, problem, at: origin)
            removeMaster(included: included, from: origin)
        }
    }

    /// The master's host by the environment, and the variable it came from.
    private mutating func masterHost() -> (host: [UInt8], origin: Origin, variable: String)? {
        let useDNS = readsHostsFromDNS()
        let chosen = host(from: "REDIS_MASTER_HOST")
        let injected = useDNS ? nil : host(from: "REDIS_MASTER_SERVICE_HOST")
        if let chosen {
            if let injected, injected != chosen {
                report(
                    .note, .otherMaster(used: environment.actualName("REDIS_MASTER_HOST")),
                    at: .environment("REDIS_MASTER_SERVICE_HOST"))
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

    private mutating func setMaster(_ master: NamedMaster) {
        if ownPlace.contains(master.host, master.port) {
            report(.error, .replicatesItself(host: master.host, port: master.port), at: master.origin)
        }
        set("replicaof", to: [master.host, utf8(String(master.port))], from: master.origin, spelled: dialect.replicaof)
    }

    /// A master follows no server, also where an included file says otherwise (`replicaof no one` is valid from 6.0).
    private mutating func removeMaster(included: EffectiveConfiguration.Setting?, from origin: Origin) {
        if let included {
            report(dialect.has(6, 0) ? .warning : .error, .includedReplicaof, at: self.origin(of: included))
            set("replicaof", to: Self.nobody, from: origin)
        } else if document.remove("replicaof") > 0 {
            note("replicaof", [], from: origin, .removed)
        }
    }

    private static var nobody: [[UInt8]] { [utf8("no"), utf8("one")] }
}

/// A master as environment, file or record name it.
struct NamedMaster: Equatable {
    var host: [UInt8]
    var port: Int
    var origin: Origin

    var address: MasterAddress { MasterAddress(host: String(decoding: host, as: UTF8.self), port: port) }
}

extension Diagnostic {
    /// Whether a master is named, and not so that it could be used.
    fileprivate var isMisnamedMaster: Bool {
        switch problem {
        case .malformedHost, .unknownHostsFrom, .malformedReplicaof: true
        default: false
        }
    }
}
