import Glibc
import LocalTopology
import Synchronization

/// Hosts with networks of their own on this machine, joined by switches: for tests in which addresses matter.
///
/// A host is a network namespace with an address, a loopback, and files for its names (`setNames(_:on:)`). The switches are
/// bridges in one further namespace, so that the machine's own network stays untouched and nothing leaves it.
///
/// Use ``withTestNetwork(_:)``, which always takes it down.
actor TestNetwork {
    struct Host: Hashable, Sendable {
        let name: String
        let segment: Segment
        /// The address in its segment.
        let address: String
        let namespace: NetworkNamespace
        /// What its sockets are called on the switches.
        let ports: [String]

        func endpoint(_ port: Int = 6379) -> Endpoint { Endpoint(host: address, port: port) }
    }

    /// Hosts on one switch, with the addresses of 10.77.N.0/24.
    struct Segment: Hashable, Sendable {
        fileprivate let number: Int

        /// The switch's own address: what is sent there vanishes.
        var silentAddress: String { address(1) }
        fileprivate var bridge: String { "bridge\(number)" }
        fileprivate func port(_ number: Int) -> String { "port\(self.number).\(number)" }
        fileprivate func address(_ last: Int) -> String { "10.77.\(number).\(last)" }
    }

    /// Where hosts are that are not behind a router.
    nonisolated let front = Segment(number: 1)
    let switches: NetworkNamespace
    private(set) var hosts: [Host] = []
    private let prefix: String
    private static let lastNetwork = Mutex(0)
    private static let routerNumber = 254

    fileprivate init() {
        let number = Self.lastNetwork.withLock { number in
            number += 1
            return number
        }
        prefix = "\(Leftovers.prefix)\(getpid())-\(number)-"
        switches = NetworkNamespace(prefix + "switches")
    }

    /// Makes the first switch, and removes what test processes that were killed have left.
    fileprivate func prepare() async throws {
        await Leftovers.remove()
        try await NetworkTools.add(switches)
        try await NetworkTools.nft(Self.partitionRules, in: switches)
        try await addSwitch(front)
    }

    /// Makes a host, in front where no segment is named.
    /// - Parameter name: Unique in the network; the namespace's name ends with it.
    func addHost(_ name: String, in segment: Segment? = nil) async throws -> Host {
        let segment = segment ?? front
        let number = hosts.count { $0.segment == segment } + 2
        let host = note(name, [(segment, number)])
        try await make(host)
        try await plug(host, "eth0", into: segment, number: number)
        try await NetworkTools.ip(
            "route add 10.77.0.0/16 via \(segment.address(Self.routerNumber))", in: host.namespace)
        return host
    }

    /// Makes a segment behind a router with source NAT: to the hosts in front, all of those behind connect from its address.
    ///
    /// Hosts in front reach each of those behind under its own address, as pods of other nodes do. One in a network.
    func addSegment(behind routerName: String) async throws -> (segment: Segment, router: Host) {
        let segment = Segment(number: 2)
        precondition(!hosts.contains { $0.ports.count == 2 }, "this network has its router")
        let router = note(routerName, [(front, Self.routerNumber), (segment, Self.routerNumber)])
        try await addSwitch(segment)
        try await make(router)
        try await plug(router, "eth0", into: front, number: Self.routerNumber)
        try await plug(router, "eth1", into: segment, number: Self.routerNumber)
        try await NetworkTools.forwardPackets(in: router.namespace)
        try await NetworkTools.nft(
            """
            add table ip nat
            add chain ip nat postrouting { type nat hook postrouting priority srcnat; }
            add rule ip nat postrouting oifname "eth0" masquerade
            """, in: router.namespace)
        return (segment, router)
    }

    private func addSwitch(_ segment: Segment) async throws {
        try await NetworkTools.ip(
            """
            link add \(segment.bridge) type bridge
            link set dev \(segment.bridge) up
            address add \(segment.silentAddress)/24 dev \(segment.bridge)
            """, in: switches)
    }

    /// Gives a host its place, before anything of it is made: what is noted is taken down.
    private func note(_ name: String, _ places: [(segment: Segment, number: Int)]) -> Host {
        precondition(!hosts.contains { $0.name == name }, "two hosts share a name")
        let host = Host(
            name: name, segment: places[0].segment, address: places[0].segment.address(places[0].number),
            namespace: NetworkNamespace(prefix + name), ports: places.map { $0.segment.port($0.number) })
        hosts.append(host)
        return host
    }

    private func make(_ host: Host) async throws {
        try await NetworkTools.add(host.namespace)
        try HostFiles(of: host).make()
    }

    /// Runs a cable from a host to a switch.
    private func plug(_ host: Host, _ interface: String, into segment: Segment, number: Int) async throws {
        let port = segment.port(number)
        try await NetworkTools.ip(
            "link add \(interface) netns \(host.namespace.name) type veth peer name \(port) netns \(switches.name)")
        try await NetworkTools.ip(
            """
            link set dev \(port) master \(segment.bridge)
            link set dev \(port) up
            """, in: switches)
        try await NetworkTools.ip(
            """
            link set dev lo up
            link set dev \(interface) up
            address add \(segment.address(number))/24 dev \(interface)
            """, in: host.namespace)
    }

    /// Removes everything. A process that still runs there keeps its sockets, which reach no host.
    fileprivate func takeDown() async throws {
        try await NetworkTools.remove(hosts.map(\.namespace) + [switches])
        hosts = []
    }
}

/// Makes a network without hosts, hands it to the body, and takes it down however the body ends.
///
/// Needs root, `ip` and `nft`.
func withTestNetwork<Value: Sendable>(_ body: (TestNetwork) async throws -> Value) async throws -> Value {
    try NetworkTools.requireRoot()
    let network = TestNetwork()
    // In its own task, since one that was cancelled starts no further process.
    func takeDown() async throws { try await Task { try await network.takeDown() }.value }
    do {
        try await network.prepare()
        let value = try await body(network)
        try await takeDown()
        return value
    } catch {
        // What the body says is worth more.
        try? await takeDown()
        throw error
    }
}
