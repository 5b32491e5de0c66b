import RedisCore
import ReplicaReconciler
import Testing

/// A replica and a master that is written to: their offsets grow, and the two are never observed at the same moment.
@Suite("Only ordered observations are compared")
struct ObservationOrderTests {
    private func reconciler(stability: Duration = .milliseconds(900)) -> Reconciler {
        var settings = Reconciler.Settings(configured: masterB)
        settings.stability = stability
        return Reconciler(settings)
    }

    /// 100,000 bytes a second.
    private func offset(at time: Duration) -> Int64 { 1000 + time.nanoseconds / 10_000 }

    private func replica(at time: Duration) -> ServerInformation { .replica(applied: offset(at: time)) }

    /// The same master, under the name that the environment has now.
    private func master(at time: Duration) -> ObservedMaster {
        .at(masterB, .master(.master(offset: offset(at: time))))
    }

    @Test(
        "a master that is written to never lacks what was written after the look at it",
        arguments: [Duration.milliseconds(250), .milliseconds(700), .seconds(1), .seconds(2), .milliseconds(4900)])
    func sameMaster(age: Duration) {
        for stability: Duration in [.zero, .milliseconds(750), .milliseconds(900)] {
            var reconciler = reconciler(stability: stability)
            var actions: [Reconciler.Action] = []
            var time: Duration = .seconds(1)
            var masterAt: Duration = .zero
            while actions.changes.isEmpty, time < .seconds(30) {
                actions += reconciler.see(replica(at: time), at: time)
                // The master is looked at now and then only.
                if time - masterAt >= age {
                    masterAt = time
                    let begin = time + .milliseconds(1)
                    actions += reconciler.see(master(at: begin), askedAt: begin, at: begin + .milliseconds(5))
                }
                #expect(!reconciler.isHeld, "\(time)")
                if case .acting = reconciler.state { break }
                time += .milliseconds(250)
            }
            #expect(actions.changes.map(\.move) == [.follow(masterB)], "\(age), \(stability)")
            #expect(!actions.events.contains { if case .held = $0 { true } else { false } })
        }
    }

    @Test("an observation of the master that had already begun proves nothing about what the replica got meanwhile")
    func overlapping() {
        var reconciler = reconciler(stability: .zero)
        _ = reconciler.see(.replica(applied: 1000), at: .seconds(1))
        _ = reconciler.see(.replica(applied: 9000), at: .seconds(3))
        // Asked between the two, and answered after them.
        let observation = ObservedMaster.at(masterB, .master(.master(offset: 5000)))
        let actions = reconciler.see(observation, askedAt: .seconds(2), at: .seconds(4))
        #expect(!reconciler.isHeld && actions.events.allSatisfy { $0.severity != .error })
    }

    @Test("one that lacks what the replica had before is behind, however often it is looked at")
    func behind() {
        var reconciler = reconciler(stability: .zero)
        let observation = ObservedMaster.at(masterB, .master(.master(offset: 5000)))
        for second in 1...3 {
            _ = reconciler.see(.replica(applied: 9000), at: .seconds(second))
            _ = reconciler.see(observation, askedAt: .seconds(second), at: .seconds(second))
        }
        #expect(reconciler.isHeld)
        guard case .held(_, let comparison) = reconciler.state else { return }
        #expect(comparison == .behind(bytes: 4000))
    }

    @Test("nothing is decided before the replica was seen first, and the next observation comes soon")
    func first() {
        var reconciler = reconciler(stability: .zero)
        _ = reconciler.see(ObservedMaster.at(masterB, .master(.master())), askedAt: .zero, at: .seconds(1))
        let actions = reconciler.see(.replica(), at: .seconds(1))
        #expect(actions.changes.isEmpty && reconciler.isAlert)
    }

    @Test("what servers say may be any number", arguments: [Int64.min, -1, 0, 1, .max])
    func anyNumber(offset: Int64) {
        for applied in [Int64.min, -1, 0, 1, .max] {
            for second in [Int64.min, -1, 0, 1, .max] {
                for history: Character in ["a", "b"] {
                    var reconciler = reconciler(stability: .zero)
                    var local = ServerInformation.replica(applied: applied)
                    local.replication.secondReplicationID = id("b")
                    local.replication.secondOffset = second
                    let master = ServerInformation.master(
                        "run-b", history: history, offset: offset, second: ("a", second))
                    for time in 1...2 {
                        _ = reconciler.see(local, at: .seconds(time))
                        _ = reconciler.see(ObservedMaster.at(masterB, .master(master)), at: .seconds(time))
                    }
                }
            }
        }
    }
}
