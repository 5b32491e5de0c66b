import RedisConf
import RedisCore
import ReplicaPlanning
import Testing

extension StartupGuardTableTests {
    private static let trace = FollowedMaster.Trace.replica(
        of: .init(host: "10.0.0.0", port: 6379), file: bytes("/data/followed"))

    private func former(
        _ observations: [Observation], policy: StartupGuard.Policy, elapsed: Int,
        _ data: MasterData = .undated(path: bytes("a.aof")),
        trace: FollowedMaster.Trace = trace
    ) -> StartupGuard.Verdict {
        let named = observations.enumerated().map { (address: "10.0.0.\($0):6379", observation: $1) }
        return StartupGuard(data: data, policy: policy, timeoutSeconds: 60, trace: trace)
            .verdict(.found, named, elapsedSeconds: elapsed)
    }

    @Test("never starts as a master before the one that it followed has said that it is a replica, without consent")
    func formerReplica() {
        for data in Self.allData {
            for observation in [Observation.refused, .unreachable(reason: "x")] + Self.unknowns
            where observation != .loading {
                for (policy, seconds) in [(StartupGuard.Policy.hold, 10), (.reseed, 60)] {
                    guard case .askAgain = former([observation], policy: policy, elapsed: seconds - 1, data),
                        case .block(let lines) = former([observation], policy: policy, elapsed: seconds, data)
                    else {
                        Issue.record("\(policy) \(observation) \(data)")
                        continue
                    }
                    #expect(lines.count == 1 && lines[0].contains("/data/followed"))
                    #expect(lines[0].contains("10.0.0.0:6379") && lines[0].contains("remove /data/followed"))
                    #expect(lines[0].contains("REDIS_ON_EMPTY=start"), "the way out: \(lines)")
                }
                guard case .askAgain = former([observation], policy: .wait, elapsed: 9999, data) else {
                    Issue.record("\(observation)")
                    continue
                }
                #expect(former([observation], policy: .start, elapsed: 0, data) == .start(note: nil, warning: nil))
            }
        }
    }

    @Test("that was a replica starts beside its old master once that is one, and never beside an empty one")
    func formerReplicaAnswered() {
        guard case .start = former([Self.replica(keys: 1)], policy: .hold, elapsed: 0),
            case .start = former([.loading], policy: .reseed, elapsed: 0),
            case .block = former([Self.master(keys: 0)], policy: .reseed, elapsed: 0),
            case .block = former([Self.master(keys: 1)], policy: .hold, elapsed: 0),
            case .follow(0, _) = former([Self.master(keys: 1)], policy: .reseed, elapsed: 0)
        else {
            Issue.record("a verdict is another one")
            return
        }
        // Another master is followed only once the old one had its time: there may be two.
        guard case .askAgain = former([.refused, Self.master(keys: 1)], policy: .reseed, elapsed: 59),
            case .follow(1, _) = former([.refused, Self.master(keys: 1)], policy: .reseed, elapsed: 60),
            case .block = former([Self.replica(keys: 1)], policy: .reseed, elapsed: 0, trace: .unreadable(file: [1]))
        else {
            Issue.record("a verdict is another one")
            return
        }
    }

    @Test("with an append-only file is blocked by a replica whose history went on under another master")
    func promotedHistory() {
        func replica(
            _ host: String, keys: Int = 60, id: String = "new", second: String? = "old", from: Int64 = 11,
            offset: Int64 = 20, isOurs: Bool = false
        ) -> Observation {
            var replica = StartupGuard.Replica(
                keys: keys, replicationID: id, secondReplicationID: second, offset: offset,
                follows: .init(host: host, port: 6379), secondOffset: from)
            replica.followsThisServer = isOurs
            return .replica(replica)
        }
        let data = MasterData.undated(path: bytes("a.aof"))
        let ways: [(Observation, hold: Outcome, reseed: Outcome, wait: Outcome)] = [
            (replica("10.0.0.77"), .hold, .reseed, .ask),
            (replica("10.0.0.77", keys: 0), .hold, .hold, .ask),
            // Pointed back. Policy wait asks until a person has done that.
            (replica("redis-master"), .hold, .reseed, .start),
            (replica("10.0.0.77", isOurs: true), .hold, .reseed, .start),
            // Nothing was written under the other one.
            (replica("10.0.0.77", offset: 10), .start, .start, .start),
            // A copy of this master's data, wherever it was.
            (replica("10.0.0.77", second: nil, from: -1), .start, .start, .start),
            (replica("redis-master", second: nil, from: -1), .start, .start, .start),
        ]
        for (observation, hold, reseed, wait) in ways {
            #expect(outcome(data, [observation], policy: .hold) == hold, "\(observation)")
            #expect(outcome(data, [observation], policy: .reseed) == reseed, "\(observation)")
            #expect(outcome(data, [observation], policy: .wait) == wait, "\(observation)")
            #expect(outcome(data, [observation], policy: .start) == .start, "\(observation)")
        }
        // One that may be ahead is waited for.
        #expect(outcome(data, [replica("10.0.0.77"), .refused], policy: .reseed, elapsed: 59) == .ask)
        #expect(outcome(data, [replica("10.0.0.77"), .refused], policy: .reseed, elapsed: 60) == .reseed)
        // An RDB that this server wrote under the id that is the replica's now.
        let guardian = StartupGuard(data: data, policy: .hold, timeoutSeconds: 60, savedHistory: "new")
        let observations = [(address: "10.0.0.1:6379", observation: replica("redis-master"))]
        guard case .start = guardian.verdict(.found, observations, elapsedSeconds: 0) else {
            Issue.record("that history is its own")
            return
        }
    }

    @Test("takes a master without keys for another one only where it was promoted")
    func emptyMaster() {
        func master(_ id: String, second: String?, _ secondOffset: Int64) -> Observation {
            .replica(
                .init(keys: 0, replicationID: id, secondReplicationID: second, offset: 20, secondOffset: secondOffset))
        }
        for data in Self.allData {
            for policy in [StartupGuard.Policy.hold, .reseed] {
                #expect(outcome(data, [master("new", second: "old", 11)], policy: policy) == .hold)
            }
            #expect(outcome(data, [master("new", second: "old", 11)], policy: .wait) == .ask)
        }
        #expect(outcome(Self.behind, [master("id", second: nil, -1)]) == .hold, "the same history")
        #expect(outcome(Self.behind, [master("new", second: nil, -1)]) == .start)
        #expect(outcome(Self.empty, [master("new", second: nil, -1)]) == .start, "a first installation")
        let fresh = Observation.replica(
            .init(keys: 0, replicationID: "new", secondReplicationID: "old", offset: 0, secondOffset: 1))
        #expect(outcome(Self.empty, [fresh]) == .start, "made a master before it heard one")
    }
}
