import Failover

/// Some nodes, a lease store and a network between them, with every kind of trouble, from one seed.
///
/// Times are microseconds of a true time that no node knows.
package struct Simulation {
    package struct Settings: Sendable {
        package var nodes = 3
        package var writeQuorum = 2
        /// How long faults go on, and how long all is well after that.
        package var troubleSeconds: Int64 = 20
        package var calmSeconds: Int64 = 25
        /// Rules that a test breaks on purpose, to see that the simulation finds it.
        package var sabotage: Sabotage?

        package init() {}
    }

    package enum Sabotage: String, CaseIterable, Sendable {
        /// Fences only when the duration is over.
        case fencesLate
        /// Takes another node's lease after half its duration.
        case takesEarly
        /// Asks no other node before it takes the lease.
        case ignoresPeers
        /// Has writes taken before the history is in the lease, by every promoted server.
        case takesWritesAtOnce
        /// The dead-man process takes longer than the time for fencing.
        case slowDeadMan
        /// Agrees with the leader, and takes the lease all the same.
        case breaksPromises
        /// Fences a master, and leaves clients that wait for replicas (WAIT) connected.
        case leavesWaitingClients
        /// Takes an answer of the store that was overtaken for the present state.
        case believesOldReads
        /// Compares offsets only.
        case ignoresTerms
    }

    package struct Failure: Error, CustomStringConvertible {
        package var seed: UInt64
        package var time: Int64
        package var words: String

        package var description: String { "seed \(seed), at \(Double(time) / 1e6) s: \(words)" }
    }

    package struct Outcome: Sendable {
        package var events = 0
        package var terms = 0
        package var acknowledged = 0
        package var acknowledgedByQuorum = 0
        /// Acknowledged by the leader alone, and not there any more.
        package var lost = 0
        package var agreements = 0
        package var switchovers = 0
    }

    enum Event {
        case tick(Int, start: UInt64)
        case lookAtServer(Int, start: UInt64)
        case leaseRequest(Int, start: UInt64, askedAt: Duration, write: Int?)
        case leaseRead(Int, start: UInt64, askedAt: Duration, (record: LeaseRecord, version: LeaseVersion)?)
        case told(Int, start: UInt64)
        case leaseReply(Int, start: UInt64, write: Int, isWritten: Bool)
        case leaseTimeout(Int, start: UInt64, write: Int)
        case question(Int, start: UInt64, of: Int, askedAt: Duration)
        case answer(Int, start: UInt64, of: Int, askedAt: Duration, SimulatedServer)
        case silence(Int, start: UInt64, of: Int, askedAt: Duration)
        case agreementQuestion(Int, start: UInt64, of: Int, term: UInt64, askedAt: Duration)
        case agreement(Int, start: UInt64, of: Int, askedAt: Duration)
        case promote(Int, start: UInt64)
        case promoted(Int, start: UInt64, (id: String, start: Int64, run: String)?)
        case takeWrites(Int, start: UInt64, generation: Int)
        case fence(Int, start: UInt64, kills: Bool)
        case fenced(Int, start: UInt64)
        case follow(Int, start: UInt64, master: Int)
        case pause(Int, start: UInt64, until: Int64)
        case paused(Int, start: UInt64)
        case resume(Int, start: UInt64)
        case connect(Int, generation: Int)
        case copied(Int, generation: Int, SimulatedData)
        case stream(Int, generation: Int, SimulatedData)
        case acknowledgement(Int, of: Int, SimulatedData, masterGeneration: Int)
        case serverStart(Int, generation: Int)
        case agentStart(Int)
        case deadMan(Int, freeze: Int)
        case thaw(Int, freeze: Int)
        case write
        case trouble
        case calm
        case end
    }

    struct Node {
        var id: NodeID
        var machine: FailoverMachine
        var server: SimulatedServer
        var isUp = true
        var isFrozen = false
        var freezes = 0
        /// What came while it was frozen.
        var waiting: [Event] = []
        /// Its clock: how fast it runs, and what it showed at the beginning.
        var rate: Double
        var clockStart: Int64
        /// When the last command for the server takes effect.
        var commandsUntil: Int64 = 0
        var reachesStore = true
        var acknowledged: [Int64] = []
    }

    struct Write {
        var record: LeaseRecord
        var replacing: LeaseVersion?
        var sentAt: Duration
        var version: LeaseVersion?
        var isOver = false
    }

    let settings: Settings
    let seed: UInt64
    var random: Randomness
    var now: Int64 = 0
    var queue = EventQueue()
    var nodes: [Node] = []
    var histories = Histories()
    var historyNames: [String] = []
    var lease: (record: LeaseRecord, version: LeaseVersion)?
    var revisions = 0
    var isStoreUp = true
    var writes: [Write] = []
    /// Whether two nodes reach each other.
    var isConnected: [[Bool]]
    var isCalm = false
    /// How slow the network is now.
    var slowness: Int64 = 1
    var pending: [(data: SimulatedData, master: Int, generation: Int, holders: Int)] = []
    var byQuorum: [SimulatedData] = []
    var byLeader: [SimulatedData] = []
    package private(set) var outcome = Outcome()
    var failure: Failure?
    /// Says what happens.
    package var isVerbose = false

    package init(seed: UInt64, _ settings: Settings = Settings()) {
        self.seed = seed
        self.settings = settings
        random = Randomness(seed: seed)
        isConnected = Array(repeating: Array(repeating: true, count: settings.nodes), count: settings.nodes)
        let names = (0..<settings.nodes).map { "node-\($0)" }
        let first = histories.new(from: nil)
        historyNames.append("h0")
        for index in 0..<settings.nodes {
            let id = NodeID(name: names[index], pod: "p\(index)", start: 0)
            let server = SimulatedServer(data: SimulatedData(history: first, offset: 0))
            nodes.append(
                Node(
                    id: id, machine: FailoverMachine(machineSettings(id, names)), server: server,
                    rate: 0.995 + 0.01 * Double(random.below(1000)) / 1000, clockStart: random.time(0...1_000_000_000)))
        }
    }

    func machineSettings(_ id: NodeID, _ names: [String]) -> FailoverSettings {
        FailoverSettings(
            node: id, members: names, writeQuorum: settings.writeQuorum, duration: .seconds(5), interval: .seconds(1),
            fenceTime: settings.sabotage == .fencesLate ? .milliseconds(-500) : .seconds(1),
            clockTolerance: settings.sabotage == .takesEarly ? .milliseconds(-2500) : .milliseconds(100))
    }

    /// Runs it to its end.
    ///
    /// - Throws: what is wrong, with the seed.
    package mutating func run() throws(Failure) -> Outcome {
        for index in nodes.indices {
            queue.add(.tick(index, start: 0), at: random.time(0...50_000))
            queue.add(.lookAtServer(index, start: 0), at: random.time(0...50_000))
        }
        queue.add(.write, at: 100_000)
        queue.add(.trouble, at: random.time(2_000_000...6_000_000))
        queue.add(.calm, at: settings.troubleSeconds * 1_000_000)
        queue.add(.end, at: (settings.troubleSeconds + settings.calmSeconds) * 1_000_000)
        while failure == nil, let next = queue.next() {
            now = next.time
            outcome.events += 1
            if case .end = next.event {
                checkEnd()
                break
            }
            handle(next.event)
            checkOverlap()
        }
        if let failure { throw failure }
        outcome.terms = Int(lease?.record.term ?? 0)
        return outcome
    }

    func say(_ words: @autoclosure () -> String) {
        if isVerbose { print("\(Double(now) / 1e6): \(words())") }
    }

    mutating func fail(_ words: String) {
        if failure == nil { failure = Failure(seed: seed, time: now, words: words) }
    }

    // MARK: What must always be true

    private mutating func checkOverlap() {
        var found: Int?
        for index in nodes.indices where nodes[index].server.acknowledges(at: now) {
            if let found { return fail("\(nodes[found].id.name) and \(nodes[index].id.name) both acknowledge writes") }
            found = index
        }
    }

    private mutating func checkEnd() {
        let leaders = nodes.indices.filter { nodes[$0].server.acknowledges(at: now) }
        guard leaders.count == 1, let leader = leaders.first else {
            let states = nodes.map {
                "\($0.id.name): \($0.machine.state), \(String(describing: $0.machine.block)), \($0.server)"
            }
            return fail(
                "\(leaders.count) leaders after the calm: \(states.joined(separator: "\n")) lease \(String(describing: lease))"
            )
        }
        let data = nodes[leader].server.data
        for write in byQuorum where !histories.contains(data, write) {
            return fail("a write that \(settings.writeQuorum) nodes had is lost: \(write), and the leader has \(data)")
        }
        for write in byLeader where !histories.contains(data, write) { outcome.lost += 1 }
        for index in nodes.indices where index != leader {
            let server = nodes[index].server
            guard server.role == .replica(of: leader), server.isLinkUp, !server.isCopying else {
                return fail(
                    "\(nodes[index].id.name) does not follow the leader: \(server), \(nodes[index].machine.state)")
            }
        }
    }

    mutating func noteAcknowledged(byQuorum isByQuorum: Bool, _ data: SimulatedData) {
        if isByQuorum {
            outcome.acknowledgedByQuorum += 1
            byQuorum.append(data)
        } else {
            outcome.acknowledged += 1
            byLeader.append(data)
        }
    }

    mutating func noteAgreement() { outcome.agreements += 1 }
    mutating func noteSwitchover() { outcome.switchovers += 1 }
}
