import Failover
import FailoverAgent
import Glibc
import Hiredis
import LeaseStore
import LocalTopology
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage
import Testing

/// Three nodes: each a real redis-server, and an agent in this process on an event loop of its own.
///
/// Servers start as replicas of nothing, and are started again when they have ended, as a supervisor does it.
final class FailoverCluster: Sendable {
    let servers: LocalCluster
    let nodes: [NodeSpec]
    private let makeStore: @Sendable () async throws -> any LeaseStore
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
    private let state = Mutex(State())

    private struct State {
        var agents: [String: FailoverAgent] = [:]
        var stores: [String: SwitchedStore] = [:]
        var supervision: Task<Void, Never>?
        /// Servers that stay down.
        var down: Set<String> = []
        var events: [String: [AgentEvent]] = [:]
    }

    struct Times: Sendable {
        var duration: Duration = .seconds(3)
        var interval: Duration = .milliseconds(500)
        var fenceTime: Duration = .milliseconds(800)
    }

    private init(
        _ servers: LocalCluster, _ nodes: [NodeSpec], _ makeStore: @escaping @Sendable () async throws -> any LeaseStore
    ) {
        self.servers = servers
        self.nodes = nodes
        self.makeStore = makeStore
    }

    static func node(_ name: String, server: FilePath, at endpoint: Endpoint, lines: [String] = []) -> NodeSpec {
        .redis(
            name, server: server, at: endpoint,
            lines: ["replicaof 127.0.0.1 0", "appendonly yes", "repl-diskless-sync-delay 0"] + lines)
    }

    /// Runs a body with three nodes on loopback, and ends everything.
    /// - Parameter store: makes one node's way to the lease; `nil`: the lease is in memory.
    static func run(
        server: FilePath, times: Times = Times(), lines: [String] = [],
        store: (@Sendable () async throws -> any LeaseStore)? = nil,
        _ body: (FailoverCluster) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(3)
        let nodes = ports.enumerated().map { index, port in
            node("node-\(index)", server: server, at: Endpoint(host: "127.0.0.\(index + 1)", port: port), lines: lines)
        }
        try await run(nodes, times: times, store: store, body)
    }

    static func run(
        _ nodes: [NodeSpec], times: Times = Times(), store: (@Sendable () async throws -> any LeaseStore)? = nil,
        _ body: (FailoverCluster) async throws -> Void
    ) async throws {
        let memory = InMemoryLeaseStore()
        try await withLocalCluster(ClusterSpec(nodes)) { servers in
            let cluster = FailoverCluster(servers, nodes, store ?? { memory })
            do {
                cluster.superviseServers()
                for node in nodes { try await cluster.startAgent(node, times) }
                try await body(cluster)
            } catch {
                await cluster.end()
                throw error
            }
            await cluster.end()
        }
    }

    private func end() async {
        state.withLock { $0.supervision }?.cancel()
        for agent in state.withLock({ Array($0.agents.values) }) { try? await agent.stop() }
        try? await group.shutdownGracefully()
    }

    private func superviseServers() {
        let task = Task {
            while !Task.isCancelled {
                for node in nodes where !state.withLock({ $0.down.contains(node.name) }) {
                    if await !servers.isRunning(node.name), !Task.isCancelled { try? await servers.launch(node.name) }
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        state.withLock { $0.supervision = task }
    }

    private func startAgent(_ node: NodeSpec, _ times: Times) async throws {
        let loop = group.next()
        if let network = node.network { try await loop.submit { try network.enter() }.get() }
        let members = nodes.map { FailoverMember(name: $0.name, host: $0.endpoint.host, port: $0.endpoint.port) }
        let store = SwitchedStore(try await makeStore())
        let settings = FailoverSettings(
            node: NodeID(name: node.name, pod: node.name, start: 1), members: nodes.map(\.name),
            duration: times.duration, interval: times.interval, fenceTime: times.fenceTime)
        var configuration = FailoverAgentConfiguration(
            settings: settings, members: members,
            local: ServerLocation(.host(node.endpoint.host, port: node.endpoint.port)),
            positionPath: "\(servers.folder)/\(node.name)/failover-position", store: store
        ) { [servers] in
            try? await servers.kill(node.name)
        }
        let began = ContinuousClock.now
        configuration.tell = { event in
            self.state.withLock { $0.events[node.name, default: []].append(event) }
            if FailoverCluster.isVerbose { print("\(ContinuousClock.now - began) \(node.name): \(event)") }
        }
        let agent = try await FailoverAgent.start(configuration, on: loop)
        state.withLock {
            $0.agents[node.name] = agent
            $0.stores[node.name] = store
        }
    }

    static let isVerbose = getenv("FAILOVER_VERBOSE") != nil

    // MARK: What tests do and see

    func events(of name: String) -> [AgentEvent] { state.withLock { $0.events[name] ?? [] } }

    func agent(_ name: String) throws -> FailoverAgent { try #require(state.withLock { $0.agents[name] }) }

    func connectStore(_ connects: Bool, for names: [String]? = nil) {
        state.withLock { state in
            for name in names ?? nodes.map(\.name) { state.stores[name]?.isConnected = connects }
        }
    }

    /// The node that leads, by its own agent.
    func leader() async throws -> String? {
        for node in nodes {
            if case .leading = try await agent(node.name).status().state { return node.name }
        }
        return nil
    }

    func picture() async throws -> String {
        var lines: [String] = []
        for node in nodes {
            let status = try await agent(node.name).status()
            lines.append(
                "\(node.name): \(status.state), block \(String(describing: status.block)), "
                    + "local \(String(describing: status.local)), peers \(status.peers), lease "
                    + "\(String(describing: status.lease)), events \(status.events.suffix(12))")
        }
        return lines.joined(separator: "\n")
    }

    /// Waits until one node leads, and all others replicate from it.
    @discardableResult
    func settled(but name: String? = nil, within limit: Duration = .seconds(40)) async throws -> String {
        let found = Mutex("")
        try await servers.wait(until: "one node leads and the others follow", within: limit) {
            guard let leader = try await self.leader(), leader != name else {
                return .notYet(try await self.picture())
            }
            for node in self.nodes where node.name != leader {
                let role = try await self.agent(node.name).status().local?.role
                guard role == .replica(of: leader, isLinkUp: true) else { return .notYet(try await self.picture()) }
            }
            found.withLock { $0 = leader }
            return .satisfied
        }
        return found.withLock { $0 }
    }

    func wait(until condition: String, _ look: @escaping @Sendable () async throws -> Bool) async throws {
        try await servers.wait(until: condition, within: .seconds(40)) {
            Observation(try await look(), else: try await self.picture())
        }
    }

    /// The numbers that a node has.
    func numbers(on name: String) async throws -> Set<Int> {
        let found = Mutex<Set<Int>>([])
        // It may load its data.
        try await servers.wait(until: "\(name) answers a read", of: nil) {
            let reply = try await self.servers.redis(name, "SMEMBERS", Writers.key, timeout: .seconds(10))
            guard case .array(let members) = reply else { return .notYet("\(reply)") }
            found.withLock { $0 = Set(members.compactMap { $0.text.flatMap { Int($0) } }) }
            return .satisfied
        }
        return found.withLock { $0 }
    }

    /// What W nodes had and the leader does not have.
    func lost(_ notes: Writers.Notes) async throws -> [Int] {
        let leader = try await settled()
        let present = try await numbers(on: leader)
        return notes.acknowledged.filter { $0.byQuorum && !present.contains($0.number) }.map(\.number)
    }

    /// The processes of all servers, as their agents saw them last.
    func runs() async throws -> [String] {
        var runs: [String] = []
        for node in nodes { runs.append(try await agent(node.name).status().local?.run ?? "") }
        return runs
    }
}
