import Failover
import FailoverAgent
import Glibc
import LeaseStore
import Logging
import NIOCore
import RedisClient
import ReplicaAgent
import ReplicaPlanning
import ServiceProgram
import Settings

/// What flags, environment and the server's configuration say of one node's part in fail-over.
struct FailoverSetup {
    /// Where the lease is kept.
    enum Store {
        case kubernetes(KubernetesSettings)
        case etcd(EtcdSettings)
    }

    let store: Store
    let settings: FailoverSettings
    /// How long this process may be frozen before the dead-man process kills redis-server.
    let silence: Duration
    let members: [FailoverMember]
    /// Where the write Service is to lead; `nil` where none is named.
    let writeAddress: WriteAddressSettings?
    /// What a person should know of this choice.
    let doubts: [String]

    /// - Returns: `nil` where no lease store is chosen.
    /// - Throws: ``ConfigurationError``, or ``LeaseStoreSettingsError``.
    init?(_ given: GivenSettings) throws {
        guard let choice = try given.choice("FAILOVER_STORE"), choice != "none" else { return nil }
        members = try Self.members(given)
        let name = given.value("FAILOVER_NODE") ?? Self.hostName
        guard members.contains(where: { $0.name == name }) else {
            let names = members.map(\.name).joined(separator: ", ")
            throw ConfigurationError.ofProgram(
                "this node is called '\(name.shown)' (\(given.name("FAILOVER_NODE"))), and "
                    + "\(given.name("FAILOVER_NODES")) has only \(names); give it one of these names, or add it there",
                isUsage: false)
        }
        let quorum = try given.number("FAILOVER_WRITE_QUORUM") ?? members.count / 2 + 1
        guard quorum <= members.count else {
            throw ConfigurationError.ofProgram(
                "\(given.name("FAILOVER_WRITE_QUORUM")) is \(quorum), and there are \(members.count) nodes; give it 1 to "
                    + "\(members.count)", isUsage: given.name("FAILOVER_WRITE_QUORUM").isFlag)
        }
        let duration = Duration.seconds(try given.count("FAILOVER_LEASE_SECONDS"))
        silence = try Self.silence(given, duration)
        settings = FailoverSettings(
            node: NodeID(name: name, pod: given.value("POD_UID") ?? Self.randomName, start: Self.start),
            members: members.map(\.name), writeQuorum: quorum, duration: duration,
            interval: duration / 5, fenceTime: duration / 5,
            priority: try given.number("FAILOVER_PRIORITY") ?? 100)
        store = choice == "etcd" ? .etcd(try Self.etcd(given)) : .kubernetes(try Self.kubernetes(given))
        let port = members.first { $0.name == name }?.port ?? 6379
        writeAddress = try Self.writeAddress(given, store, port: UInt16(clamping: port), settings.node)
        doubts = Self.doubts(nodes: members.count, writeQuorum: quorum)
    }

    private static func doubts(nodes: Int, writeQuorum: Int) -> [String] {
        switch (nodes, writeQuorum) {
        case (1, _): ["there is one node: no other one can take over"]
        case (2, 2):
            [
                "there are two nodes: one of them takes over alone, and loses the writes that only the leader had; a write that "
                    + "WAIT 1 confirmed is on both"
            ]
        case (2, _):
            ["there are two nodes, and FAILOVER_WRITE_QUORUM is 1: no node takes over while the other one is away"]
        case (_, 1):
            ["FAILOVER_WRITE_QUORUM is 1: no node takes over while any other one is away, the former leader included"]
        default: []
        }
    }

    /// A leader that freezes just before it renews the lease has to be dead before the lease is another node's. The last beat
    /// may be a tenth of the silence old.
    private static func silence(_ given: GivenSettings, _ duration: Duration) throws(ConfigurationError) -> Duration {
        let name = "SUPERVISE_SILENCE_MILLISECONDS"
        guard given.value(name) != nil else { return duration * 3 / 5 }
        let silence = Duration.milliseconds(try given.count(name))
        let most = duration * 7 / 10
        guard silence <= most else {
            throw ConfigurationError.ofProgram(
                "\(given.name(name)) is \(silence.inMilliseconds), and the lease lasts \(duration.inMilliseconds) ms "
                    + "(\(given.name("FAILOVER_LEASE_SECONDS"))): a frozen leader would not be killed in time; give it "
                    + "\(most.inMilliseconds) at the most, or none", isUsage: given.name(name).isFlag)
        }
        return silence
    }

    // MARK: Nodes

    private static func members(_ given: GivenSettings) throws(ConfigurationError) -> [FailoverMember] {
        let variable = given.name("FAILOVER_NODES")
        func refuse(_ words: String) -> ConfigurationError {
            .ofProgram("\(variable) \(words)", isUsage: variable.isFlag)
        }
        guard let text = given.value("FAILOVER_NODES") else {
            throw refuse("is not set, and a lease store is; list all nodes, as redis-0=redis-0.redis-nodes:6379,…")
        }
        var members: [FailoverMember] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let place = words.last, let endpoint = RedisEndpoint(parsing: place.blanksTrimmed, defaultPort: 6379)
            else {
                throw refuse(
                    "has '\(String(part).shown)' in it; write NAME=HOST:PORT, an IPv6 address in brackets, and "
                        + "the nodes separated by commas")
            }
            let isAddress = RedisTLS.isAddress(endpoint.host)
            let first = isAddress ? endpoint.host : String(endpoint.host.prefix { $0 != "." })
            let name = words.count == 2 ? words[0].blanksTrimmed : first
            guard isName(name) else {
                throw refuse("has the name '\(name.shown)'; a name has 1 to 63 letters, digits, '-', '.', '_' or ':'")
            }
            guard !members.contains(where: { $0.name == name }) else {
                throw refuse("has the name '\(name.shown)' twice; give each node its own")
            }
            if let other = members.first(where: { $0.host == endpoint.host && $0.port == endpoint.port }) {
                throw refuse("has the address \(endpoint) twice, for \(other.name) and \(name)")
            }
            members.append(FailoverMember(name: name, host: endpoint.host, port: endpoint.port))
        }
        guard members.count <= maximumNodes else {
            throw refuse("has \(members.count) nodes, and \(maximumNodes) are the most")
        }
        return members
    }

    private static let maximumNodes = 9

    private static func isName(_ name: String) -> Bool {
        1...63 ~= name.utf8.count
            && name.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
                    || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || "-._:".utf8.contains($0)
            }
    }

    private static var hostName: String {
        if let name = unsafe getenv("HOSTNAME") { return unsafe String(cString: name) }
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Of two starts in one pod, the later one has the larger number.
    private static var start: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(clamping: time.tv_sec) * 1000 + UInt64(clamping: time.tv_nsec / 1_000_000)
    }

    private static var randomName: String { String(UInt64.random(in: .min ... .max), radix: 16) }

    // MARK: Stores

    private static func etcd(_ given: GivenSettings) throws -> EtcdSettings {
        let endpoints = given.value("ETCD_ENDPOINTS")?.split(separator: ",").map(\.blanksTrimmed) ?? []
        guard !endpoints.isEmpty else {
            throw ConfigurationError.ofProgram(
                "\(given.name("ETCD_ENDPOINTS")) is not set, and \(given.name("FAILOVER_STORE")) is etcd; give it "
                    + "http://HOST:PORT,…", isUsage: false)
        }
        let password = try given.secret("ETCD_PASSWORD", readFile)
        let files = StoreTLSFiles(
            authorities: given.value("ETCD_CA_FILE"), certificate: given.value("ETCD_CERTIFICATE_FILE"),
            key: given.value("ETCD_KEY_FILE"))
        var settings = try EtcdSettings(
            endpoints: endpoints, key: given.value("ETCD_LEASE_KEY") ?? "/redis-replica-kit/redis-master",
            user: given.value("ETCD_USER"), password: password.map { String(decoding: $0, as: UTF8.self) },
            tls: endpoints.contains { $0.hasPrefix("https://") } ? files : nil)
        settings.passwordFile = given.value("ETCD_PASSWORD_FILE")
        return settings
    }

    private static func kubernetes(_ given: GivenSettings) throws -> KubernetesSettings {
        let environment = ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "KUBERNETES_SERVICE_PORT_HTTPS"]
            .reduce(
                into: [String: String]()
            ) { found, name in
                if let value = unsafe getenv(name) { found[name] = unsafe String(cString: value) }
            }
        let server = try KubernetesSettings.server(in: environment)
        let namespace: String
        if let given = given.value("POD_NAMESPACE") {
            namespace = given
        } else {
            let bytes = try readFile(KubernetesSettings.serviceAccountFolder + "/namespace")
            namespace = String(decoding: bytes, as: UTF8.self).blanksTrimmed
        }
        return try KubernetesSettings(
            server: server, namespace: namespace, name: given.value("FAILOVER_LEASE_NAME") ?? "redis-master")
    }

    /// Has the Service that `FAILOVER_SERVICE` names lead to this pod once it leads.
    private static func writeAddress(
        _ given: GivenSettings, _ store: Store, port: UInt16, _ node: NodeID
    ) throws -> WriteAddressSettings? {
        guard let service = given.value("FAILOVER_SERVICE") else { return nil }
        guard case .kubernetes(let lease) = store else {
            throw ConfigurationError.ofProgram(
                "\(given.name("FAILOVER_SERVICE")) is set, and the lease is kept in etcd; an EndpointSlice belongs to a "
                    + "lease in Kubernetes, so set FAILOVER_STORE=kubernetes, or leave it out", isUsage: false)
        }
        var found = ["POD_IPS": given.value("POD_IPS") ?? ""]
        if let address = unsafe getenv("POD_IP") { found["POD_IP"] = unsafe String(cString: address) }
        return try WriteAddressSettings(
            lease: lease, service: service, addresses: WriteAddressSettings.addresses(in: found), port: port,
            pod: node.name, podUID: node.pod)
    }

    /// What this node tells Kubernetes; `nil` where the lease is kept elsewhere.
    func makeKubernetesSide(on eventLoop: any EventLoop, logger: Logger) -> KubernetesSide? {
        guard case .kubernetes(let lease) = store else { return nil }
        return KubernetesSide(lease, writeAddress, node: settings.node, eventLoop: eventLoop, logger: logger)
    }

    func makeStore(on eventLoop: any EventLoop, trouble: @escaping @Sendable (LeaseStoreError) -> Void)
        -> any LeaseStore
    {
        switch store {
        case .kubernetes(let settings): KubernetesLeaseStore(settings, eventLoop: eventLoop, trouble: trouble)
        case .etcd(let settings): EtcdLeaseStore(settings, eventLoop: eventLoop, trouble: trouble)
        }
    }
}

extension StringProtocol {
    /// Without blanks and line ends around it.
    fileprivate var blanksTrimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
        var text = Substring(self).drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return String(text)
    }
}

extension Duration {
    var inMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
