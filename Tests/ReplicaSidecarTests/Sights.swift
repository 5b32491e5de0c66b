import ReplicaSidecar
import Replication

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

extension MasterSight {
    /// One address of the name, and what is there.
    static func at(_ address: MasterAddress, _ standing: Standing) -> MasterSight {
        MasterSight(address, .found([Candidate("10.0.0.1", standing)]))
    }

    static func at(_ standing: Standing) -> MasterSight { .at(masterA, standing) }
}

/// A keeper and a clock, so that a test reads as a protocol: a look a line, at a second of its own.
struct Watch {
    var keeper: ReplicaKeeper
    private(set) var now: Duration = .seconds(100)

    init(
        _ configured: MasterAddress? = masterA, record: MasterRecord? = nil,
        _ change: (inout ReplicaKeeper.Settings) -> Void = { _ in }
    ) {
        var settings = ReplicaKeeper.Settings(configured: configured)
        change(&settings)
        keeper = ReplicaKeeper(settings, record: record)
    }

    /// Both looks, after some time; the actions of both.
    mutating func look(
        _ local: ServerInformation, _ sight: MasterSight, after: Duration = .seconds(1)
    ) -> [ReplicaKeeper.Action] {
        now += after
        return keeper.see(sight, at: now) + keeper.see(local, at: now)
    }

    mutating func confirm() -> [ReplicaKeeper.Action]? { keeper.confirm(at: now) }

    mutating func performed(_ failure: String? = nil) -> [ReplicaKeeper.Action] {
        keeper.performed(failure, at: now)
    }

    /// Looks as often as it takes to be sure.
    mutating func lookOn(_ local: ServerInformation, _ sight: MasterSight) -> [ReplicaKeeper.Action] {
        (0..<5).flatMap { _ in look(local, sight, after: .milliseconds(250)) }
    }
}

extension [ReplicaKeeper.Action] {
    /// The changes that are to be performed.
    var changes: [Change] {
        compactMap { if case .perform(let change, _) = $0 { change } else { nil } }
    }

    var events: [ReplicaKeeper.Event] {
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

extension ReplicaKeeper {
    var isHeld: Bool { if case .held = course { true } else { false } }
}
