import Replication
import Testing

@testable import KeyValueService

@Suite("The course of a read that has to know a write")
struct ConsistentReadCourseTests {
    private static let away = Problem.redisUnavailable(role: "Redis master")

    @Test func `begins at a replica, or at the master where no replica can prove anything`() {
        let course = ConsistentReadCourse(wantsLag: false)
        #expect(course.begin(mayProve: true) == .askReplica)
        #expect(course.begin(mayProve: false) == .askMaster)
        #expect(course.replicaMissing() == .askMaster)
    }

    @Test(arguments: [
        (ReplicationVerdict.satisfied, true, ConsistentReadCourse.Step.answer(.satisfied)),
        (.satisfied, false, .answer(.satisfied)), (.wait, true, .askAgain(afterMilliseconds: 1)),
        (.wait, false, .askMaster), (.unknown, true, .askMaster), (.unknown, false, .askMaster),
        // One that was promoted behind the master's back knows nothing of what the master has written since.
        (.lost, true, .askMaster), (.lost, false, .askMaster),
    ])
    func `takes from a replica a proof, and no other answer`(
        verdict: ReplicationVerdict, hasTime: Bool, step: ConsistentReadCourse.Step
    ) {
        var course = ConsistentReadCourse(wantsLag: false)
        #expect(course.replicaSaid(verdict, hasTime: hasTime) == step)
    }

    @Test(arguments: [
        (ReplicationVerdict.satisfied, true, ConsistentReadCourse.Step.answer(.satisfied)),
        (.satisfied, false, .answer(.satisfied)), (.lost, true, .refuse(.replicationLost)),
        (.unknown, true, .answer(.unknown)), (.wait, true, .answer(.unknown)),
        // What is configured as the master is a replica just now.
        (.unknown, false, .askOtherReplica), (.wait, false, .askOtherReplica), (.lost, false, .askOtherReplica),
    ])
    func `takes the master's word, if it says that it is one`(
        verdict: ReplicationVerdict, isMaster: Bool, step: ConsistentReadCourse.Step
    ) {
        var course = ConsistentReadCourse(wantsLag: false)
        #expect(course.masterSaid(verdict, isMaster: isMaster, hasTime: false) == step)
    }

    @Test func `waits for a replica in pauses that grow to 20 ms`() {
        var course = ConsistentReadCourse(wantsLag: false)
        for pause in [1, 2, 4, 8, 16, 20, 20] as [Int64] {
            #expect(course.replicaSaid(.wait, hasTime: true) == .askAgain(afterMilliseconds: pause))
        }
        #expect(course.replicaSaid(.wait, hasTime: false) == .askMaster)
    }

    @Test func `waits for a master that is away, then asks each other replica, then gives up`() {
        var course = ConsistentReadCourse(wantsLag: false)
        #expect(course.replicaSaid(.unknown, hasTime: true) == .askMaster)
        #expect(course.masterMissing(Self.away, hasTime: true) == .askAgain(afterMilliseconds: 1))
        #expect(course.replicaSaid(.unknown, hasTime: true) == .askMaster)
        #expect(course.masterSaid(.unknown, isMaster: false, hasTime: true) == .askAgain(afterMilliseconds: 2))
        #expect(course.replicaMissing() == .askMaster)
        #expect(course.masterMissing(Self.away, hasTime: false) == .askOtherReplica)
        #expect(course.replicaSaid(.wait, hasTime: false) == .askOtherReplica)
        #expect(course.replicaSaid(.unknown, hasTime: false) == .askOtherReplica)
        var proven = course
        #expect(proven.replicaSaid(.satisfied, hasTime: false) == .answer(.satisfied))
        #expect(course.replicaMissing() == .refuse(Self.away))
    }

    @Test func `gives up a bound on the lag by its own name`() {
        var course = ConsistentReadCourse(wantsLag: true)
        #expect(course.masterMissing(.redisTimeout, hasTime: false) == .askOtherReplica)
        #expect(course.replicaMissing() == .refuse(.replicationLagUnknown))
    }
}
