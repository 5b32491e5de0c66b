import RedisCore
import ReplicaPlanning
import Testing

private let home = MasterAddress(host: "redis-master", port: 6379)

/// A replica whose master is gone.
private func replica(
    _ keys: Int, at offset: Int64 = 20, id: String = "id", second: String? = nil, follows: MasterAddress? = home,
    isLinkUp: Bool = false
) -> StartupGuard.Replica {
    .init(
        keys: keys, replicationID: id, secondReplicationID: second, offset: offset, follows: follows,
        isLinkUp: isLinkUp)
}

private func named(_ observations: [StartupGuard.Observation]) -> [(
    address: String, observation: StartupGuard.Observation
)] {
    observations.enumerated().map { (address: "10.0.0.\($0):6379", observation: $1) }
}

@Suite("The choice of the sync source")
struct SyncSourceTests {
    private func verdict(
        _ observations: [StartupGuard.Observation], after elapsedSeconds: Int = 0,
        data: MasterData = .empty(reason: "dump.rdb does not exist"), resolution: StartupGuard.Resolution = .found
    ) -> StartupGuard.Verdict {
        StartupGuard(data: data, policy: .reseed, timeoutSeconds: 60)
            .verdict(resolution, named(observations), elapsedSeconds: elapsedSeconds)
    }

    private func choice(_ replicas: [StartupGuard.Replica]) -> Int? {
        guard case .reseed(let index, _, _) = verdict(replicas.map { .replica($0) }) else { return nil }
        return index
    }

    @Test("takes the highest offset of one history, however few its keys, and the first of equals")
    func oneHistory() {
        let table: [(Int, [StartupGuard.Replica])] = [
            (0, [replica(1)]),
            (1, [replica(9, at: 20), replica(1, at: 21)]),
            (0, [replica(1, at: 21), replica(9, at: 20)]),
            (0, [replica(1), replica(9)]),
            (1, [replica(5, at: 20), replica(5, at: 30), replica(5, at: 30)]),
            // One of them has seen a promotion.
            (1, [replica(9, at: 20), replica(1, at: 21, id: "new", second: "id")]),
            (1, [replica(9, at: 20, id: "new", second: "id"), replica(1, at: 21)]),
            // A replica without keys is never the sync source, regardless of its offset.
            (1, [replica(0, at: 90), replica(1, at: 20)]),
        ]
        for (expected, replicas) in table {
            #expect(choice(replicas) == expected, "\(replicas)")
            guard case .reseed(_, let warning, let losses) = verdict(replicas.map { .replica($0) }) else { continue }
            #expect(warning == nil, "one history needs none")
            #expect(losses.count == replicas.count { $0.keys > 0 })
        }
    }

    @Test("takes the most keys where histories differ, and names those whose own data is lost")
    func otherHistories() {
        let verdict = verdict(
            [
                .replica(replica(3, at: 900, id: "a")), .replica(replica(7, at: 1, id: "b")),
                .replica(replica(1, at: 5, id: "c")), .replica(replica(0, id: "d")), .refused,
            ], after: 60)
        guard case .reseed(1, let warning?, let losses) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(warning.contains("10.0.0.1:6379 holds the most keys (7)"), "\(warning)")
        #expect(warning.contains("10.0.0.0:6379 (3 keys), 10.0.0.2:6379 (1 key)"), "\(warning)")
        #expect(!warning.contains("10.0.0.3") && !warning.contains("10.0.0.4"), "these hold nothing")
        #expect(losses.count == 3)
        #expect(choice([replica(4, id: "a"), replica(4, id: "b")]) == 0, "the first of equals")
    }

    @Test("waits for a replica that could be ahead, and blocks where it stays unknown")
    func unknown() {
        for unknown in StartupGuardTableTests.unknowns {
            let observations = [.replica(replica(1)), unknown]
            guard case .askAgain(let why) = verdict(observations, after: 59) else {
                Issue.record("\(unknown) is not waited for")
                continue
            }
            #expect(why.contains("10.0.0.1:6379"), "\(why)")
            guard case .hold(let reasons) = verdict(observations, after: 60) else {
                Issue.record("\(unknown) does not hold the master")
                continue
            }
            #expect(reasons.count == 1 && reasons[0].contains("may be ahead of the others"), "\(reasons)")
        }
        let names = [StartupGuard.Observation.replica(replica(1))]
        let dark = StartupGuard.Resolution.unavailable(reason: "try again")
        guard case .askAgain = verdict(names, resolution: dark),
            case .hold = verdict(names, after: 60, resolution: dark)
        else {
            Issue.record("a name that cannot be looked up may lead to one that is ahead")
            return
        }
    }

    @Test("waits for a server that is not running, and counts it as gone when the time is over")
    func refused() {
        let observations = [StartupGuard.Observation.refused, .replica(replica(1))]
        guard case .askAgain(let why) = verdict(observations, after: 59) else {
            Issue.record("not waited for")
            return
        }
        #expect(why.contains("nothing listens at 10.0.0.0:6379"), "\(why)")
        guard case .reseed(1, nil, _) = verdict(observations, after: 60) else {
            Issue.record("\(verdict(observations, after: 60))")
            return
        }
    }

    @Test(
        "is not made beside another master: one promoted, or after the guard's time one that a replica is connected to")
    func otherMaster() {
        let other = MasterAddress(host: "10.0.0.77", port: 6380)
        let connected = [
            StartupGuard.Observation.replica(replica(9)), .replica(replica(5, follows: other, isLinkUp: true)),
        ]
        let words = "10.0.0.1:6379 is connected to its master at 10.0.0.77:6380"
        guard case .askAgain(let why) = verdict(connected, after: 59) else {
            Issue.record("it may only not have noticed yet that its master is gone")
            return
        }
        #expect(why.hasPrefix(words), "\(why)")
        guard case .block(let reasons) = verdict(connected, after: 60) else {
            Issue.record("a replica with another master blocks no start")
            return
        }
        #expect(reasons.count == 1 && reasons[0].hasPrefix(words), "\(reasons)")
        for elapsed in [0, 60] {
            let promoted = verdict([.replica(replica(9)), .replica(replica(5, follows: nil))], after: elapsed)
            guard case .follow(1, let reason) = promoted else {
                Issue.record("\(promoted)")
                continue
            }
            #expect(reason.hasPrefix("10.0.0.1:6379 is a master with 5 keys"), "\(reason)")
        }
        #expect(choice([replica(9), replica(0, follows: nil)]) == 0, "a master without keys has no one's data")
        #expect(choice([replica(9), replica(5, follows: other)]) == 0, "a link that is down leads to no master")
    }

    @Test("is not made where nothing would be lost")
    func nothingToLose() {
        for observations in [[], [.refused], [.replica(replica(0))]] as [[StartupGuard.Observation]] {
            guard case .start(_?, _) = verdict(observations, after: 60) else {
                Issue.record("\(observations)")
                continue
            }
        }
        let snapshot = MasterData.snapshot(path: bytes("dump.rdb"), replicationID: "id", offset: 20)
        #expect(verdict([.replica(replica(1, at: 20))], data: snapshot) == .start(note: nil))
        guard case .reseed(0, nil, _) = verdict([.replica(replica(1, at: 21))], data: snapshot) else {
            Issue.record("a master that is behind is not brought up")
            return
        }
        // What we have is worth more than the keys of another history.
        let mixed = [replica(99, at: 500, id: "other"), replica(1, at: 21, id: "new", second: "id")]
        guard case .reseed(1, nil, _) = verdict(mixed.map { .replica($0) }, data: snapshot) else {
            Issue.record("\(verdict(mixed.map { .replica($0) }, data: snapshot))")
            return
        }
    }
}

@Suite("A copy is loaded only if, asked again,")
struct ObjectionTests {
    private let copied = replica(9, at: 100, isLinkUp: true)

    private func objection(_ observations: [StartupGuard.Observation]) -> ReseedFailure? {
        StartupGuard(data: .empty(reason: ""), policy: .reseed, timeoutSeconds: 60)
            .objection(toCopyOf: copied, at: "10.0.0.0:6379", named(observations))
    }

    @Test("no replica is ahead of it, and no other master is there")
    func none() {
        let syncSource = StartupGuard.Observation.replica(replica(9, at: 100))
        for others in [
            [], [.refused],
            [.replica(replica(9, at: 100))], [.replica(replica(9, at: 99))],
            // Offsets of another history say nothing.
            [.replica(replica(9, at: 500, id: "other"))],
            // A server that lost its keys has nothing that could be ahead.
            [.replica(replica(0, at: 1, id: "other", follows: nil))],
        ] as [[StartupGuard.Observation]] {
            #expect(objection([syncSource] + others) == nil, "\(others)")
        }
    }

    @Test("the sync source is where it was, and answers")
    func syncSource() {
        for observation in StartupGuardTableTests.unknowns + [.refused] {
            guard case .transfer(let words) = objection([observation]) else {
                Issue.record("\(observation)")
                continue
            }
            #expect(words.contains("10.0.0.0:6379"), "\(words)")
        }
        for moved in [
            replica(9, at: 101), replica(9, at: 99), replica(9, at: 101, id: "other"), replica(9, at: 99, id: "other"),
        ] {
            guard case .transfer(let words) = objection([.replica(moved)]) else {
                Issue.record("\(moved)")
                continue
            }
            #expect(words.contains("10.0.0.0:6379 is at offset \(moved.offset) now, and the copy ends at 100"))
        }
    }

    @Test("every other replica answers that runs, and none went on, was promoted, or found another master")
    func others() {
        let syncSource = StartupGuard.Observation.replica(replica(9, at: 100))
        for unknown in StartupGuardTableTests.unknowns {
            guard case .transfer(let words) = objection([syncSource, unknown]) else {
                Issue.record("\(unknown)")
                continue
            }
            #expect(words.contains("10.0.0.1:6379"), "\(words)")
        }
        for (other, isMaster) in [
            (replica(9, at: 101), false), (replica(9, at: 101, id: "new", second: "id"), false),
            (replica(9, at: 100, follows: nil), true), (replica(9, at: 100, isLinkUp: true), true),
            (replica(9, at: 5, id: "other", follows: nil), true),
        ] {
            switch objection([syncSource, .replica(other)]) {
            case .otherMaster(let words): #expect(isMaster && words.contains("10.0.0.1:6379"), "\(words)")
            case .transfer(let words): #expect(!isMaster && words.contains("10.0.0.1:6379"), "\(words)")
            case let outcome: Issue.record("\(other): \(String(describing: outcome))")
            }
        }
    }
}
