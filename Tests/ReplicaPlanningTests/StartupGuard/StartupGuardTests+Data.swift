import RedisConf
import RedisCore
import ReplicaPlanning
import Testing

extension StartupGuardTableTests {
    @Test("holds where redis-server would write over data that it does not load")
    func unlisted() {
        let data = MasterData.unlisted(files: [bytes("a.aof")], reason: "no manifest")
        #expect(outcome(data, [], resolution: .unknown) == .hold)
        #expect(
            outcome(data, [Self.replica(keys: 0)], policy: .reseed) == .hold, "no replica has what could take its place"
        )
        #expect(outcome(data, [Self.replica(keys: 0)], policy: .wait) == .ask)
        #expect(outcome(data, [Self.replica(keys: 1)]) == .hold)
        #expect(outcome(data, [Self.replica(keys: 1)], policy: .reseed) == .reseed)
        #expect(outcome(data, [.refused], policy: .reseed, elapsed: 59) == .ask)
    }

    @Test("leaves a damaged file to redis-server, and brings the data from a replica only where that is wanted")
    func damaged() {
        let data = MasterData.damaged(path: bytes("a.aof"), reason: "no command begins at byte 17")
        for (observations, policy, elapsed, expected) in [
            ([Self.replica(keys: 1)], .hold, 0, .start), ([Self.replica(keys: 1)], .wait, 0, .start),
            ([Self.replica(keys: 1)], .reseed, 0, .reseed), ([Self.replica(keys: 0)], .reseed, 0, .start),
            ([Self.replica(keys: 1), .refused], .reseed, 59, .ask), ([.refused], .reseed, 59, .ask),
            ([.refused], .reseed, 60, .start), ([.loading], .reseed, 59, .ask), ([], .reseed, 0, .start),
        ] as [([Observation], StartupGuard.Policy, Int, Outcome)] {
            #expect(
                outcome(data, observations, policy: policy, elapsed: elapsed) == expected, "\(observations) \(policy)")
        }
        func note(_ observations: [Observation], _ policy: StartupGuard.Policy) -> String {
            let guardian = StartupGuard(data: data, policy: policy, timeoutSeconds: 60)
            let named = observations.map { (address: "10.0.0.1:6379", observation: $0) }
            guard case .start(let note?, nil) = guardian.verdict(.found, named, elapsedSeconds: 60) else { return "" }
            return note
        }
        let withReplica = note([Self.replica(keys: 1)], .hold)
        #expect(withReplica.contains("a.aof is damaged (no command begins at byte 17)"))
        #expect(withReplica.contains("set REDIS_ON_EMPTY=reseed") && withReplica.contains("10.0.0.1:6379 holds 1 key"))
        #expect(note([], .hold).contains("Repair it"))
        #expect(note([], .reseed).contains("No replica holds a key that could take its place"))
    }

    @Test("keeps nothing aside that the master in its place has")
    func contained() {
        func isContained(_ data: MasterData, _ master: StartupGuard.Replica) -> Bool {
            StartupGuard(data: data, policy: .reseed, timeoutSeconds: 60).isContained(in: master)
        }
        func promoted(_ id: String, second: String?, _ secondOffset: Int64, at offset: Int64 = 90)
            -> StartupGuard.Replica
        {
            .init(keys: 1, replicationID: id, secondReplicationID: second, offset: offset, secondOffset: secondOffset)
        }
        #expect(!isContained(Self.empty, promoted("new", second: "x", 5)), "other files may lie beside it")
        #expect(isContained(Self.behind, promoted("new", second: "id", 11)))
        #expect(!isContained(Self.behind, promoted("new", second: "id", 10)), "offset 10 is not in it")
        #expect(!isContained(Self.behind, promoted("new", second: "other", 11)))
        #expect(isContained(Self.behind, promoted("id", second: nil, -1, at: 10)))
        #expect(!isContained(Self.behind, promoted("id", second: nil, -1, at: 9)))
        for data in Self.allData.dropFirst(2) { #expect(!isContained(data, promoted("id", second: "id", 999))) }
    }
}
