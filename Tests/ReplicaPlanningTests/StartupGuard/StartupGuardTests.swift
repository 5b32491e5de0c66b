import RedisConf
import RedisCore
import ReplicaPlanning
import Testing

@Suite("The startup guard")
struct StartupGuardTableTests {
    typealias Observation = StartupGuard.Observation

    static let empty = MasterData.empty(reason: "dump.rdb does not exist")
    static let behind = MasterData.snapshot(path: bytes("dump.rdb"), replicationID: "id", offset: 10)

    static func replica(keys: Int, id: String = "id", second: String? = nil, offset: Int64 = 20) -> Observation {
        .replica(
            .init(
                keys: keys, replicationID: id, secondReplicationID: second, offset: offset,
                follows: .init(host: "redis-master", port: 6379)))
    }

    static func master(keys: Int) -> Observation {
        .replica(.init(keys: keys, replicationID: "other", secondReplicationID: keys > 0 ? "id" : nil, offset: 20))
    }

    enum Outcome { case start, ask, hold, reseed, follow }

    static let unknowns: [Observation] = [
        .silent(reason: "no answer"), .loading, .unauthenticated(reason: "password"), .notPlain,
    ]

    func outcome(
        _ data: MasterData, _ observations: [Observation], policy: StartupGuard.Policy = .hold,
        resolution: StartupGuard.Resolution = .found, elapsed: Int = 0
    ) -> Outcome {
        let guardian = StartupGuard(data: data, policy: policy, timeoutSeconds: 60)
        let named = observations.enumerated().map { (address: "10.0.0.\($0):6379", observation: $1) }
        switch guardian.verdict(resolution, named, elapsedSeconds: elapsed) {
        case .start: return .start
        case .follow: return .follow
        case .askAgain: return .ask
        case .reseed: return .reseed
        case .hold(let reasons), .block(let reasons):
            #expect(!reasons.isEmpty)
            return .hold
        }
    }

    @Test("starts where no server has data to lose")
    func nothingToLose() {
        for data in [Self.empty, Self.behind] {
            #expect(outcome(data, [], resolution: .unknown) == .start)
            #expect(outcome(data, []) == .start)
            #expect(outcome(data, [Self.replica(keys: 0)]) == .start)
            #expect(outcome(data, [Self.master(keys: 0)]) == .start, "a stray master without a key")
        }
    }

    @Test("waits for a server that has an address and does not run yet, for the guard's time, with every policy")
    func refused() {
        for observations in [[.refused], [.refused, .refused], [Self.replica(keys: 0), .refused]] as [[Observation]] {
            for data in [Self.empty, Self.behind] {
                for policy in [StartupGuard.Policy.hold, .wait, .reseed] {
                    #expect(outcome(data, observations, policy: policy, elapsed: 0) == .ask)
                    #expect(outcome(data, observations, policy: policy, elapsed: 59) == .ask)
                    #expect(outcome(data, observations, policy: policy, elapsed: 60) == .start)
                }
            }
        }
        // Another one that answers says nothing of one that does not: that one may have been promoted.
        #expect(outcome(Self.behind, [Self.replica(keys: 1, offset: 10), .refused], policy: .reseed) == .ask)
    }

    @Test("says why an empty master starts: no server has an address, none is there, or none has a key")
    func reasons() {
        func note(_ resolution: StartupGuard.Resolution, _ observations: [Observation]) -> String {
            let guardian = StartupGuard(data: Self.empty, policy: .hold, timeoutSeconds: 60, names: "nodes")
            let named = observations.map { (address: "10.0.0.1:6379", observation: $0) }
            guard case .start(let note?, nil) = guardian.verdict(resolution, named, elapsedSeconds: 99) else {
                return ""
            }
            return note
        }
        #expect(note(.unknown, []).contains("nodes has no address, so this is a first installation"))
        #expect(note(.found, []).contains("nodes leads to no address but its own"))
        #expect(note(.found, [.refused]).contains("nothing listens at 10.0.0.1:6379; it counts as gone"))
        #expect(note(.found, [Self.replica(keys: 0)]).contains("no server behind nodes holds a key"))
    }

    static let allData: [MasterData] = [
        empty, behind, .undated(path: bytes("a.aof")), .unreadable(path: bytes("dump.rdb"), .denied),
        .unlisted(files: [bytes("a.aof")], reason: "no manifest"), .damaged(path: bytes("a.aof"), reason: "cut"),
    ]

    @Test("never starts beside another master, regardless of its data and its policy")
    func anotherMaster() {
        let others: [Observation] = [.refused, Self.replica(keys: 1), Self.replica(keys: 0), Self.master(keys: 0)]
        for data in Self.allData {
            for elapsed in [0, 60, 9999] {
                for other in others {
                    let observations = [other, Self.master(keys: 1)]
                    #expect(outcome(data, observations, policy: .hold, elapsed: elapsed) == .hold, "\(data) \(other)")
                    #expect(outcome(data, observations, policy: .wait, elapsed: elapsed) == .ask, "\(data) \(other)")
                    #expect(
                        outcome(data, observations, policy: .reseed, elapsed: elapsed) == .follow, "\(data) \(other)")
                }
                let two = [Self.master(keys: 1), Self.master(keys: 1)]
                #expect(outcome(data, two, policy: .hold, elapsed: elapsed) == .hold)
                #expect(outcome(data, two, policy: .wait, elapsed: elapsed) == .ask)
                #expect(outcome(data, two, policy: .reseed, elapsed: elapsed) == .hold, "which of them?")
            }
            // One that cannot be asked may be a second one: it is waited for.
            for unknown in Self.unknowns {
                let observations = [unknown, Self.master(keys: 1)]
                #expect(outcome(data, observations, policy: .hold) == .hold)
                #expect(outcome(data, observations, policy: .reseed, elapsed: 59) == .ask)
                #expect(outcome(data, observations, policy: .reseed, elapsed: 60) == .follow)
            }
            let loading = [Self.master(keys: 1), .loadingMaster]
            #expect(outcome(data, loading, policy: .reseed, elapsed: 60) == .hold)
            for policy in [StartupGuard.Policy.hold, .reseed] {
                #expect(outcome(data, [.loadingMaster], policy: policy, elapsed: 59) == .ask)
                #expect(outcome(data, [.loadingMaster], policy: policy, elapsed: 60) == .hold)
            }
            #expect(outcome(data, [Self.master(keys: 1)], policy: .start) == .start)
        }
    }

    @Test("follows no master that is known to share no history with its data")
    func stray() {
        let stray = Observation.replica(
            .init(keys: 1, replicationID: "stray", secondReplicationID: nil, offset: 20))
        #expect(outcome(Self.behind, [stray], policy: .reseed) == .hold)
        #expect(outcome(Self.behind, [Self.master(keys: 1)], policy: .reseed) == .follow)
    }

    /// What a master with data of its own makes of a server that does not say what it is.
    private static let open: [(Observation, words: String, whenOver: Outcome, besideOthers: Outcome)] = [
        (.refused, "nothing listens there", .start, .start),
        (.unreachable(reason: "no route"), "no route", .hold, .start),
        (.silent(reason: "no answer"), "no answer", .hold, .hold),
        (.unauthenticated(reason: "password"), "password", .hold, .hold),
        (.notPlain, "in the clear", .hold, .hold),
    ]

    @Test(
        "with data of its own asks every address for one time, and then says which did not answer, why, and what comes of it"
    )
    func unanswered() {
        for data in [MasterData.undated(path: bytes("a.aof")), Self.behind] {
            for policy in [StartupGuard.Policy.hold, .wait, .reseed] {
                for (observation, words, whenOver, besideOthers) in Self.open {
                    for (others, expected) in [
                        ([], whenOver), ([Self.replica(keys: 1, offset: 9)], besideOthers), ([.loading], besideOthers),
                        ([.refused], besideOthers),
                    ] as [([Observation], Outcome)] {
                        let observations = [observation] + others
                        #expect(outcome(data, observations, policy: policy, elapsed: 0) == .ask)
                        #expect(outcome(data, observations, policy: policy, elapsed: 59) == .ask)
                        let isPatient = policy == .wait && expected == .hold
                        #expect(
                            outcome(data, observations, policy: policy, elapsed: 60) == (isPatient ? .ask : expected),
                            "\(observations) \(policy)")
                        let guardian = StartupGuard(data: data, policy: policy, timeoutSeconds: 60)
                        let named = observations.enumerated().map { (address: "10.0.0.\($0):6379", observation: $1) }
                        switch guardian.verdict(.found, named, elapsedSeconds: 60) {
                        case .start(_, let warning?):
                            #expect(
                                warning.contains("no answer within 60 s from 10.0.0.0:6379 (\(words)"), "\(warning)")
                            #expect(warning.contains("counted as gone"))
                        case .block(let lines):
                            #expect(lines[0].contains("10.0.0.0:6379 did not answer within 60 s"), "\(lines)")
                            #expect(lines[0].contains(words) && lines[0].contains("REDIS_ON_EMPTY=start"), "\(lines)")
                        case let verdict: #expect(isPatient, "\(verdict)")
                        }
                    }
                }
            }
        }
    }

    @Test("with an RDB asks a person where a replica of another history has more keys in the same database")
    func fullerReplica() {
        func replica(_ keys: Int, database: Int = 0, id: String = "own") -> Observation {
            .replica(
                .init(
                    keys: keys, replicationID: id, secondReplicationID: nil, offset: 5,
                    follows: .init(host: "redis-master", port: 6379), databases: [.init(number: database, keys: keys)]))
        }
        func isBlocked(_ data: MasterData, _ observation: Observation, _ database: RDBHeader.Database?) -> Bool {
            let guardian = StartupGuard(data: data, policy: .reseed, timeoutSeconds: 60, database: database)
            let named = [(address: "10.0.0.1:6379", observation: observation)]
            switch guardian.verdict(.found, named, elapsedSeconds: 0) {
            case .block(let lines): return lines[0].contains("10.0.0.1:6379 holds")
            case .start: return false
            case let other:
                Issue.record("\(other)")
                return false
            }
        }
        let ten = RDBHeader.Database(number: 0, keys: 10)
        for data in [Self.behind, .undated(path: bytes("dump.rdb"))] {
            #expect(isBlocked(data, replica(11), ten))
            #expect(!isBlocked(data, replica(10), ten))
            #expect(!isBlocked(data, replica(11, database: 1), ten), "another database")
            #expect(!isBlocked(data, replica(11), nil), "an append-only file, or a size that is not told")
        }
        #expect(!isBlocked(Self.behind, replica(11, id: "id"), ten), "offsets of one history say more than keys")
    }

    @Test("with data of its own starts beside no dead server that another one follows: that one was promoted")
    func followedByOthers() {
        let data = MasterData.undated(path: bytes("a.aof"))
        let follower = Observation.replica(
            .init(
                keys: 1, replicationID: "id", secondReplicationID: nil, offset: 20,
                follows: .init(host: "10.0.0.0", port: 6379)))
        #expect(outcome(data, [.refused, follower], elapsed: 59) == .ask)
        #expect(outcome(data, [.refused, follower], elapsed: 60) == .hold)
        #expect(outcome(data, [Self.replica(keys: 1), follower]) == .start, "a replica of a replica")
    }

    @Test("blocks a start that would load less than the folder contains, regardless of the answers")
    func outdated() {
        let data = MasterData.outdated(path: bytes("dump.rdb"), newer: [bytes("a.aof")])
        for observations in [[], [Self.replica(keys: 1)], [.refused]] as [[Observation]] {
            #expect(outcome(data, observations) == .hold)
            #expect(outcome(data, observations, policy: .reseed) == .hold)
            #expect(outcome(data, observations, policy: .wait) == .ask)
            #expect(outcome(data, observations, policy: .start) == .start)
        }
        #expect(outcome(data, [Self.master(keys: 1)], policy: .reseed) == .follow)
    }

    private func connected(silent: Int64?, to host: String = "10.0.0.77") -> Observation {
        .replica(
            .init(
                keys: 1, replicationID: "id", secondReplicationID: nil, offset: 20,
                follows: .init(host: host, port: 6379),
                isLinkUp: true, silentSeconds: silent))
    }

    @Test("never stands beside a master that only its replicas hear, and takes a dead link for none")
    func unseenMaster() {
        let data = MasterData.undated(path: bytes("a.aof"))
        for policy in [StartupGuard.Policy.hold, .reseed] {
            // Heard since we began: it can only have been another master.
            #expect(outcome(data, [connected(silent: 0)], policy: policy, elapsed: 0) == .ask)
            #expect(outcome(data, [connected(silent: 0)], policy: policy, elapsed: 2) == .hold)
            #expect(outcome(data, [connected(silent: 3)], policy: policy, elapsed: 5) == .hold)
            // The old link of a node that failed.
            for elapsed in 0..<12 {
                #expect(outcome(data, [connected(silent: Int64(elapsed))], policy: policy, elapsed: elapsed) == .ask)
            }
            #expect(outcome(data, [connected(silent: 12)], policy: policy, elapsed: 12) == .start)
        }
        #expect(outcome(data, [connected(silent: 0)], policy: .wait, elapsed: 60) == .ask)
        // Where a start would lose keys, it is blocked at once, for that reason.
        #expect(outcome(Self.empty, [connected(silent: 0)]) == .hold)
        #expect(outcome(Self.empty, [connected(silent: 0)], policy: .reseed) == .ask)
        #expect(outcome(Self.empty, [connected(silent: 0)], policy: .reseed, elapsed: 2) == .hold)
        // A replica of a replica that is on the list.
        let chain = [Self.replica(keys: 1), connected(silent: 0, to: "10.0.0.0")]
        #expect(outcome(data, chain, elapsed: 5) == .start)
    }

    @Test("never takes the end of its own time for the end of a link")
    func shortTime() {
        let data = MasterData.undated(path: bytes("a.aof"))
        for seconds in 0...11 {
            let guardian = StartupGuard(data: data, policy: .hold, timeoutSeconds: seconds)
            for silent in [nil, 0, 5, 11] as [Int64?] {
                let observations = [(address: "10.0.0.1:6379", observation: connected(silent: silent))]
                guard case .block(let lines) = guardian.verdict(.found, observations, elapsedSeconds: seconds) else {
                    Issue.record("\(seconds) s, silent for \(silent ?? -1) s")
                    continue
                }
                #expect(lines.count == 1 && lines[0].contains("another master is at work"), "\(lines)")
            }
            // Known to be dead, however short the time is.
            let dead = [(address: "10.0.0.1:6379", observation: connected(silent: 12))]
            guard case .start = guardian.verdict(.found, dead, elapsedSeconds: seconds) else {
                Issue.record("\(seconds) s")
                continue
            }
        }
    }

    @Test("with data of its own starts at once beside replicas that answer, or a name without address")
    func plainRestart() {
        for data in [MasterData.undated(path: bytes("a.aof")), .unreadable(path: bytes("dump.rdb"), .denied)] {
            for policy in [StartupGuard.Policy.hold, .wait, .reseed] {
                #expect(outcome(data, [], policy: policy, resolution: .unknown) == .start)
                for other in [Self.replica(keys: 1), Self.replica(keys: 0), .loading] {
                    #expect(outcome(data, [other, Self.replica(keys: 1)], policy: policy) == .start, "\(other)")
                }
                let dark = StartupGuard.Resolution.unavailable(reason: "try again")
                #expect(outcome(data, [], policy: policy, resolution: dark, elapsed: 59) == .ask)
                #expect(
                    outcome(data, [], policy: policy, resolution: dark, elapsed: 60)
                        == (policy == .wait ? .ask : .hold), "it may be cut off itself")
                let seen = [Self.replica(keys: 1)]
                #expect(outcome(data, seen, policy: policy, resolution: dark, elapsed: 60) == .start)
            }
        }
    }

    @Test("holds an empty master before a replica with keys, however the others look")
    func emptyOne() {
        #expect(outcome(Self.empty, [Self.replica(keys: 1)]) == .hold)
        #expect(outcome(Self.empty, [Self.replica(keys: 0), .refused, Self.replica(keys: 1)]) == .hold)
        for unknown in Self.unknowns { #expect(outcome(Self.empty, [unknown, Self.replica(keys: 1)]) == .hold) }
    }

    @Test("holds a master that is behind in the same history only")
    func behindMaster() {
        #expect(outcome(Self.behind, [Self.replica(keys: 1, offset: 11)]) == .hold)
        #expect(outcome(Self.behind, [Self.replica(keys: 1, offset: 10)]) == .start, "in step")
        #expect(outcome(Self.behind, [Self.replica(keys: 1, offset: 9)]) == .start, "ahead")
        #expect(outcome(Self.behind, [Self.replica(keys: 1, id: "new", second: "id")]) == .hold)
        #expect(
            outcome(Self.behind, [Self.replica(keys: 1, id: "new", second: "other")]) == .start, "not to be compared")
    }

    @Test("asks the unknown again until its time is over, then holds")
    func unknown() {
        for unknown in Self.unknowns {
            #expect(outcome(Self.empty, [unknown], elapsed: 59) == .ask)
            #expect(outcome(Self.empty, [unknown], elapsed: 60) == .hold)
            #expect(outcome(Self.empty, [unknown], policy: .wait, elapsed: 9999) == .ask)
        }
        #expect(outcome(Self.empty, [], resolution: .unavailable(reason: "try again"), elapsed: 1) == .ask)
        #expect(outcome(Self.empty, [], resolution: .unavailable(reason: "try again"), elapsed: 60) == .hold)
    }

    @Test("waits instead of blocking with policy wait, and asks no server with policy start")
    func policies() {
        #expect(outcome(Self.empty, [Self.replica(keys: 1)], policy: .wait) == .ask)
        #expect(outcome(Self.empty, [Self.replica(keys: 0)], policy: .wait) == .start)
        #expect(outcome(Self.empty, [Self.replica(keys: 1)], policy: .start) == .start)
    }

    @Test("says what it cannot tell, and starts")
    func undated() {
        let cases: [(MasterData, String)] = [
            (.undated(path: bytes("a.aof")), "a.aof does not say how far its data goes: a replica may be ahead"),
            (.unreadable(path: bytes("dump.rdb"), .denied), "dump.rdb cannot be judged: "),
        ]
        for (data, words) in cases {
            let verdict = StartupGuard(data: data, policy: .hold, timeoutSeconds: 60)
                .verdict(.found, [], elapsedSeconds: 0)
            guard case .start(let note?, _) = verdict else {
                Issue.record("\(verdict)")
                continue
            }
            #expect(note.contains(words), "\(note)")
        }
    }
}
