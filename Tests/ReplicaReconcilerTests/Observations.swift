import RedisCore
import ReplicaReconciler

let masterA = MasterAddress(host: "redis-master", port: 6379)
let masterB = MasterAddress(host: "redis-master-b", port: 6379)
let masterC = MasterAddress(host: "redis-master-c", port: 6379)

/// Forty hexadecimal digits of one letter.
func id(_ letter: Character) -> String { String(repeating: letter, count: 40) }

extension ServerInformation {
    static func master(
        _ runID: String = "run-a", history: Character = "a", offset: Int64 = 1000, keys: Int64 = 10,
        second: (history: Character, offset: Int64)? = nil, isLoading: Bool = false
    ) -> ServerInformation {
        ServerInformation(
            runID: runID,
            replication: ReplicationInfo(
                role: .master, replicationID: id(history), secondReplicationID: second.map { id($0.history) },
                offset: offset, secondOffset: second?.offset ?? -1),
            isLoading: isLoading, databases: keys == 0 ? [] : [.init(name: "db0", keys: keys)])
    }

    static func replica(
        of master: MasterAddress = masterA, history: Character = "a", applied: Int64 = 1000, keys: Int64 = 10,
        isUp: Bool = true, isSynchronising: Bool = false, silent: Int64 = 1, runID: String = "run-r",
        isLoading: Bool = false, replicas: [String] = [], linkState: String? = nil
    ) -> ServerInformation {
        ServerInformation(
            runID: runID,
            replication: ReplicationInfo(
                role: .replica,
                masterLink: .init(
                    host: master.host, port: master.port, isUp: isUp, isSynchronising: isSynchronising,
                    downSeconds: isUp ? nil : 3, appliedOffset: applied, silentSeconds: isUp ? silent : nil),
                replicas: replicas.map { .init(address: $0, port: 6379, state: "online", offset: 0, lagSeconds: 0) },
                replicationID: id(history), offset: applied),
            isLoading: isLoading, databases: keys == 0 ? [] : [.init(name: "db0", keys: keys)], linkState: linkState)
    }
}

extension ObservedMaster {
    /// One address of the name, and what is there.
    static func at(_ address: MasterAddress, _ standing: Standing) -> ObservedMaster {
        ObservedMaster(address, .found([Candidate("10.0.0.1", standing)]))
    }

    static func at(_ standing: Standing) -> ObservedMaster { .at(masterA, standing) }
}

/// A reconciler and a clock, so that a test reads like a log: one observation a line, each at its own second.
struct Watch {
    var reconciler: Reconciler
    /// The server at the unknown address that the replica was pointed to; `nil`: it is not observed.
    var followed: ObservedMaster.Standing? = .master(.master("run-c"))
    private(set) var now: Duration = .seconds(100)

    init(
        _ configured: MasterAddress? = masterA, record: MasterRecord? = nil,
        _ change: (inout Reconciler.Settings) -> Void = { _ in }
    ) {
        var settings = Reconciler.Settings(configured: configured)
        change(&settings)
        reconciler = Reconciler(settings, record: record)
    }

    /// Both observations, after some time; the actions of both.
    mutating func look(
        _ local: ServerInformation, _ observation: ObservedMaster, after: Duration = .seconds(1)
    ) -> [Reconciler.Action] {
        now += after
        var actions = reconciler.see(observation, at: now) + reconciler.see(local, at: now)
        if let address = reconciler.unprovenMaster, let followed {
            actions += reconciler.see(followed, at: address, now: now) + reconciler.see(local, at: now)
        }
        return actions
    }

    mutating func confirm() -> [Reconciler.Action]? { reconciler.confirm(at: now) }

    mutating func performed(_ failure: String? = nil) -> [Reconciler.Action] {
        reconciler.performed(failure, at: now)
    }

    /// Observes as often as the decision needs.
    mutating func lookOn(_ local: ServerInformation, _ observation: ObservedMaster) -> [Reconciler.Action] {
        (0..<5).flatMap { _ in look(local, observation, after: .milliseconds(250)) }
    }
}

extension [Reconciler.Action] {
    /// The changes that are to be performed.
    var changes: [Change] {
        compactMap { if case .perform(let change, _) = $0 { change } else { nil } }
    }

    var events: [Reconciler.Event] {
        compactMap { if case .tell(let event) = $0 { event } else { nil } }
    }

    var records: [MasterRecord] {
        compactMap { action in
            switch action {
            case .record(let record): record
            case .perform(_, let record): record
            case .tell: nil
            }
        }
    }
}

extension Reconciler {
    var isHeld: Bool { if case .held = state { true } else { false } }
}
