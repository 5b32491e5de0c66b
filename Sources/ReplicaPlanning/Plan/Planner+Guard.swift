import RedisConf
public import RedisCore

/// Whom a master asks before it starts, how, and what it will load.
public struct GuardSettings: Equatable, Sendable {
    public struct Peer: Equatable, Sendable {
        /// A name, every address of which is asked, or an address.
        public var host: [UInt8]
        public var port: Int
    }

    public struct Credentials: Equatable, Sendable {
        public var user: [UInt8]?
        public var password: [UInt8]
    }

    /// None where only this server's own files are judged.
    public var peers: [Peer]
    public var credentials: Credentials?
    /// nil: the servers speak in the clear.
    public var tls: GuardTLS?
    public var policy: StartupGuard.Policy
    public var timeoutSeconds: Int
    public var data: DataSettings
    /// Our own address and port: not a replica of ours.
    public var own: Peer?
    /// How a name is completed here; nil outside Kubernetes.
    public var namespace: NamespaceSearch?
    /// Where replicas reach this master, and reach the placeholder meanwhile; nil where it has no such port.
    public var port: Int?
    /// The master's name as the environment has it.
    public var masterName: MasterAddress?
    /// The addresses that this server will listen at, as `bind` has them.
    public var bind: [[UInt8]]
}

extension Planner {
    /// The guard of a master's start; nil where there is none.
    ///
    /// A server without replicas is guarded against its own settings: a start that would not load what it has.
    ///
    /// The name `redis-slave-nodes` is the default in Kubernetes only: elsewhere no such name exists, and looking
    /// it up could cost a start seconds.
    mutating func decideGuard(arguments: [[UInt8]]) -> GuardSettings? {
        let policy = guardPolicy()
        let timeout = readGuardTimeout()
        guardTimeout = timeout
        guard role != .replica else { return nil }
        var asked: [GuardSettings.Peer] = []
        if role == .master, let list = guardHosts() {
            asked = peers(list, defaultPort: port(from: ["REDIS_SLAVE_SERVICE_PORT"])?.port ?? 6379)
        }
        guard let policy, policy != .start, let timeout else { return nil }
        let arguments = serverArguments(arguments)
        let data = dataSettings(arguments)
        let tls = guardTLS(arguments, folder: data.folder)
        let port = arguments.last(tls == nil ? "port" : "tls-port")?.first ?? scalar(tls == nil ? "port" : "tls-port")
        return GuardSettings(
            peers: asked, credentials: guardCredentials(), tls: tls, policy: policy, timeoutSeconds: timeout,
            data: data, own: ownPeer(), namespace: namespaceSearch(), port: port.map(Address.port) ?? 6379,
            masterName: guardMasterName(), bind: arguments.last("bind") ?? value("bind") ?? [])
    }

    /// The master that the replicas follow, as far as this server's own environment says it. A mistake in it stops no
    /// master.
    func guardMasterName() -> MasterAddress? {
        func usable(_ variable: String) -> [UInt8]? {
            environment[variable].flatMap { Address.isHost($0) ? $0 : nil }
        }
        let isDNS = environment["GET_HOSTS_FROM"].map { equalsIgnoringCase($0, "dns") } ?? false
        guard
            let host = usable("REDIS_MASTER_HOST")
                ?? (isDNS ? utf8("redis-master") : usable("REDIS_MASTER_SERVICE_HOST"))
        else { return nil }
        let ports = ["REDIS_MASTER_PORT_NUMBER", "REDIS_MASTER_SERVICE_PORT"].compactMap {
            environment[$0].flatMap(Address.port)
        }
        return MasterAddress(host: String(decoding: host, as: UTF8.self), port: ports.first ?? 6379)
    }

    private mutating func guardPolicy() -> StartupGuard.Policy? {
        guard let word = invocation.onEmpty ?? environment["REDIS_ON_EMPTY"] else { return .hold }
        if let policy = StartupGuard.Policy.allCases.first(where: { equalsIgnoringCase(word, $0.rawValue) }) {
            return policy
        }
        report(
            .error, .unknownPolicy(word), at: invocation.onEmpty == nil ? .environment("REDIS_ON_EMPTY") : .arguments)
        return nil
    }

    private mutating func readGuardTimeout() -> Int? {
        guard let word = invocation.guardTimeout ?? environment["REDIS_GUARD_TIMEOUT"] else { return 60 }
        if let seconds = Int(String(decoding: word, as: UTF8.self)), (0...86_400).contains(seconds) { return seconds }
        let origin = invocation.guardTimeout == nil ? Origin.environment("REDIS_GUARD_TIMEOUT") : .arguments
        report(.error, .malformedSeconds(word), at: origin)
        return nil
    }

    private func guardHosts() -> [UInt8]? {
        if let hosts = environment["REDIS_SLAVE_NODES_HOST"] { return hosts }
        return environment["KUBERNETES_SERVICE_HOST"] == nil ? nil : utf8("redis-slave-nodes")
    }

    func namespaceSearch() -> NamespaceSearch? {
        environment["KUBERNETES_SERVICE_HOST"].map { _ in NamespaceSearch(localDomain: environment["LOCALDOMAIN"]) }
    }

    /// `host`, `host:port` or `[v6]:port`, separated by commas.
    private mutating func peers(_ list: [UInt8], defaultPort: Int) -> [GuardSettings.Peer] {
        var peers: [GuardSettings.Peer] = []
        for part in list.split(separator: UInt8(ascii: ",")) {
            let item = Array(part.drop { $0 == UInt8(ascii: " ") })
            var host = item
            var port: Int? = defaultPort
            if let colon = item.lastIndex(of: UInt8(ascii: ":")), !Address.isIPv6(item) {
                host = Array(item[..<colon])
                port = Address.port(Array(item[(colon + 1)...]))
            }
            host = Address.withoutBrackets(host)
            guard let port, Address.isHost(host) else {
                report(.error, .malformedHost(item), at: .environment("REDIS_SLAVE_NODES_HOST"))
                continue
            }
            peers.append(.init(host: host, port: port))
        }
        return peers
    }

    /// What the replicas ask for: what they give their master, else what this master asks for itself.
    private func guardCredentials() -> GuardSettings.Credentials? {
        if let password = scalar("masterauth") { return .init(user: scalar("masteruser"), password: password) }
        return scalar("requirepass").flatMap { $0.isEmpty ? nil : .init(user: nil, password: $0) }
    }

    private func ownPeer() -> GuardSettings.Peer? {
        guard let host = environment["POD_IP"] else { return nil }
        return .init(host: Address.canonical(host), port: ownPort ?? 6379)
    }

    /// What redis-server will load: the configuration in force, its arguments included.
    func dataSettings(_ arguments: ServerArguments) -> DataSettings {
        func last(_ name: DirectiveName) -> [UInt8]? { arguments.last(name)?.first ?? scalar(name) }
        var settings = DataSettings(folder: dataFolder(arguments))
        settings.rdbName = last("dbfilename") ?? settings.rdbName
        settings.isAppendOnly = last("appendonly").map { equalsIgnoringCase($0, "yes") } ?? false
        settings.appendFolderName = last("appenddirname") ?? settings.appendFolderName
        settings.appendName = last("appendfilename") ?? settings.appendName
        settings.repairsTail = last("aof-load-truncated").map { !equalsIgnoringCase($0, "no") } ?? true
        settings.form =
            dialect.surelyHas(7, 0) || dialect.flavour == .valkey
            ? .multiPart : dialect.has(7, 0) ? .unknown : .single
        return settings
    }
}
