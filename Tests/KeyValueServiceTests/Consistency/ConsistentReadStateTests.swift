import RedisCore
import Testing

@testable import KeyValueService

@Suite("The state of a read that has to know a write")
struct ConsistentReadStateTests {
    private static let away = Problem.redisUnavailable(role: "Redis master")

    @Test func `begins at a replica, or at the master where no replica can prove anything`() {
        let state = ConsistentReadState(wantsLag: false)
        #expect(state.begin(mayProve: true) == .askReplica)
        #expect(state.begin(mayProve: false) == .askMaster)
        #expect(state.replicaMissing() == .askMaster)
    }

    @Test(arguments: [
        (ReplicationVerdict.satisfied, true, ConsistentReadState.Step.answer(.satisfied)),
        (.satisfied, false, .answer(.satisfied)), (.wait, true, .askAgain(afterMilliseconds: 1)),
        (.wait, false, .askMaster), (.unknown, true, .askMaster), (.unknown, false, .askMaster),
        // One that was promoted behind the master's back knows nothing of what the master has written since.
        (.lost, true, .askMaster), (.lost, false, .askMaster),
    ])
    func `takes from a replica a proof, and no other answer`(
        verdict: ReplicationVerdict, hasTime: Bool, step: ConsistentReadState.Step
    ) {
        var state = ConsistentReadState(wantsLag: false)
        #expect(state.replicaSaid(verdict, hasTime: hasTime) == step)
    }

    @Test(arguments: [
        (ReplicationVerdict.satisfied, true, ConsistentReadState.Step.answer(.satisfied)),
        (.satisfied, false, .answer(.satisfied)), (.lost, true, .refuse(.replicationLost)),
        (.unknown, true, .answer(.unknown)), (.wait, true, .answer(.unknown)),
        // What is configured as the master is a replica just now.
        (.unknown, false, .askOtherReplica), (.wait, false, .askOtherReplica), (.lost, false, .askOtherReplica),
    ])
    func `takes the master's word, if it says that it is one`(
        verdict: ReplicationVerdict, isMaster: Bool, step: ConsistentReadState.Step
    ) {
        var state = ConsistentReadState(wantsLag: false)
        #expect(state.masterSaid(verdict, isMaster: isMaster, hasTime: false) == step)
    }

    @Test func `waits for a replica in pauses that grow to 20 ms`() {
        var state = ConsistentReadState(wantsLag: false)
        for pause in [1, 2, 4, 8, 16, 20, 20] as [Int64] {
            #expect(state.replicaSaid(.wait, hasTime: true) == .askAgain(afterMilliseconds: pause))
        }
        #expect(state.replicaSaid(.wait, hasTime: false) == .askMaster)
    }

    @Test func `waits for a master that is away, then asks each other replica, then gives up`() {
        var state = ConsistentReadState(wantsLag: false)
        #expect(state.replicaSaid(.unknown, hasTime: true) == .askMaster)
        #expect(state.masterMissing(Self.away, hasTime: true) == .askAgain(afterMilliseconds: 1))
        #expect(state.replicaSaid(.unknown, hasTime: true) == .askMaster)
        #expect(state.masterSaid(.unknown, isMaster: false, hasTime: true) == .askAgain(afterMilliseconds: 2))
        #expect(state.replicaMissing() == .askMaster)
        #expect(state.masterMissing(Self.away, hasTime: false) == .askOtherReplica)
        #expect(state.replicaSaid(.wait, hasTime: false) == .askOtherReplica)
        #expect(state.replicaSaid(.unknown, hasTime: false) == .askOtherReplica)
        var proven = state
        #expect(proven.replicaSaid(.satisfied, hasTime: false) == .answer(.satisfied))
        #expect(state.replicaMissing() == .refuse(Self.away))
    }

    @Test func `gives up a bound on the lag by its own name`() {
        var state = ConsistentReadState(wantsLag: true)
        #expect(state.masterMissing(.redisTimeout, hasTime: false) == .askOtherReplica)
        #expect(state.replicaMissing() == .refuse(.replicationLagUnknown))
    }
}
