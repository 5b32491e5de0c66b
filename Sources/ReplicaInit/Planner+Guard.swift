import RedisConf
public import Replication

/// Whom the birth guard asks, how, and what this master will load.
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

    public var peers: [Peer]
    public var credentials: Credentials?
    public var policy: BirthGuard.Policy
    public var timeoutSeconds: Int
    public var data: DataSettings
    /// Our own address and port: not a replica of ours.
    public var own: Peer?
    /// How a name is completed here; nil outside Kubernetes.
    public var namespace: NamespaceSearch?
    /// Where this master will listen, and stands in for itself meanwhile; nil where it speaks TLS only.
    public var port: Int?
    /// The master's name as the environment has it.
    public var masterName: MasterAddress?
    /// Whether this server is known to keep its append-only file in several (7.0).
    public var isSurelyMultiPart: Bool
}

extension Planner {
    /// The guard of a master's start; nil where there is nobody to ask.
    ///
    /// The name `redis-slave-nodes` is taken for granted in Kubernetes only: elsewhere nobody has such a name, and looking
    /// it up could cost a start seconds.
    mutating func decideGuard(arguments: [[UInt8]]) -> GuardSettings? {
        let policy = guardPolicy()
        let timeout = guardTimeout()
        guard role == .master, let list = guardHosts() else { return nil }
        let peers = peers(list, defaultPort: port(from: ["REDIS_SLAVE_SERVICE_PORT"])?.port ?? 6379)
        guard let policy, policy != .start, let timeout, !peers.isEmpty else { return nil }
        let arguments = ServerArguments(arguments)
        return GuardSettings(
            peers: peers, credentials: guardCredentials(), policy: policy, timeoutSeconds: timeout,
            data: dataSettings(arguments), own: ownPeer(), namespace: namespaceSearch(),
            port: (arguments.last("port")?.first ?? scalar("port")).map(Address.port) ?? 6379,
            masterName: guardMasterName(),
            isSurelyMultiPart: dialect.surelyHas(7, 0) || (dialect.flavour == .valkey))
    }

    /// What the replicas are told to follow, as far as this server's own environment says it. A mistake in it stops no
    /// master.
    private func guardMasterName() -> MasterAddress? {
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

    private mutating func guardPolicy() -> BirthGuard.Policy? {
        guard let word = invocation.onEmpty ?? environment["REDIS_ON_EMPTY"] else { return .hold }
        if let policy = BirthGuard.Policy.allCases.first(where: { equalsIgnoringCase(word, $0.rawValue) }) {
            return policy
        }
        report(
            .error, .unknownPolicy(word), at: invocation.onEmpty == nil ? .environment("REDIS_ON_EMPTY") : .arguments)
        return nil
    }

    private mutating func guardTimeout() -> Int? {
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

    private func namespaceSearch() -> NamespaceSearch? {
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
        return .init(host: host, port: scalar("port").flatMap(Address.port) ?? 6379)
    }

    private func dataSettings(_ arguments: ServerArguments) -> DataSettings {
        func last(_ name: DirectiveName) -> [UInt8]? { arguments.last(name)?.first ?? scalar(name) }
        let folder = last("dir") ?? utf8("/data")
        let isAbsolute = folder.first == UInt8(ascii: "/")
        var settings = DataSettings(
            folder: isAbsolute ? folder : identity.workingFolder + [UInt8(ascii: "/")] + folder)
        settings.rdbName = last("dbfilename") ?? settings.rdbName
        settings.isAppendOnly = last("appendonly").map { equalsIgnoringCase($0, "yes") } ?? false
        settings.appendFolderName = last("appenddirname") ?? settings.appendFolderName
        settings.appendName = last("appendfilename") ?? settings.appendName
        return settings
    }
}
