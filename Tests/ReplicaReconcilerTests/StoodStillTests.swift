import RedisCore
import ReplicaReconciler
import Testing

/// Stopped (SIGSTOP), or on a machine that was paused.
@Suite("A process that stood still for minutes")
struct StoodStillTests {
    private static let observationOfB = ObservedMaster.at(
        .master(.master("run-b", history: "b", second: ("a", 2000))))

    @Test(
        "does nothing by answers to what it asked before, and suspects again from the first new ones",
        arguments: [6, 9, 120] as [Int64])
    func reconciler(pause: Int64) {
        var watch = Watch()
        _ = watch.look(.replica(), .at(.master(.master())))
        #expect(watch.look(.replica(), Self.observationOfB).events.count == 1, "it suspects")
        let asked = watch.now
        var now = asked + .seconds(pause)
        // They wait in the sockets, and come before anything that is asked now.
        var actions = watch.reconciler.see(Self.observationOfB, askedAt: asked, at: now)
        actions += watch.reconciler.see(.replica(), askedAt: asked, at: now)
        #expect(actions.changes.isEmpty)
        #expect(watch.reconciler.isOutdated(at: now))
        let readiness = ReadinessBounds().verdict(on: watch.reconciler, by: MasterOffsetHistory(), at: now)
        #expect(!readiness.isReady)
        for round in 0...4 {
            now += .milliseconds(250)
            actions = watch.reconciler.see(.replica(), askedAt: now, at: now)
            actions += watch.reconciler.see(Self.observationOfB, askedAt: now, at: now)
            // `stability` is 750 ms.
            #expect(actions.changes.isEmpty == (round != 3), "\(round)")
            if !actions.changes.isEmpty { break }
        }
        #expect(ReadinessBounds().verdict(on: watch.reconciler, by: MasterOffsetHistory(), at: now).isReady)
    }

    @Test("carries out nothing that it was about to, before it has suspected it again")
    func waiting() {
        var watch = Watch()
        _ = watch.look(.replica(), .at(.master(.master())))
        _ = watch.look(.replica(), Self.observationOfB)
        var now = watch.now
        func see(_ local: ServerInformation) -> [Reconciler.Action] {
            watch.reconciler.see(local, askedAt: now, at: now)
                + watch.reconciler.see(Self.observationOfB, askedAt: now, at: now)
        }
        // A change was made just now.
        for _ in 0..<8 where watch.reconciler.state.isSuspecting {
            now += .milliseconds(250)
            for case .perform in see(.replica()) { _ = watch.reconciler.performed("refused", at: now) }
        }
        for _ in 0..<40 {
            if case .waiting = watch.reconciler.state { break }
            now += .milliseconds(250)
            _ = see(.replica())
        }
        guard case .waiting(_, let until) = watch.reconciler.state else {
            Issue.record("\(watch.reconciler.state)")
            return
        }
        now = until + .seconds(60)
        #expect(see(.replica()).changes.isEmpty)
        #expect(watch.reconciler.state.isSuspecting)
        now += .milliseconds(750)
        #expect(!see(.replica()).changes.isEmpty)
    }

    @Test("does not make a master a replica by what the Sentinels and the named server said before")
    func sentinel() {
        let a = ServerInformation.master("run-a")
        let b = ServerInformation.master("run-b", history: "b")
        func named(_ address: MasterAddress, _ epoch: UInt64) -> SentinelVerdict {
            .master(SentinelMaster(address, epoch: epoch), isMajority: true)
        }
        func follower(_ time: Duration) -> SentinelFollower {
            var follower = SentinelFollower(isDryRun: false)
            follower.see(a, askedAt: time)
            follower.see(named(masterA, 1), isFailingOver: false, at: time)
            #expect(follower.step(at: time) == .lookAt(masterA))
            follower.see(.master(a), at: masterA, askedAt: time)
            #expect(follower.step(at: time) == nil)
            follower.see(named(masterB, 2), isFailingOver: false, at: time)
            #expect(follower.step(at: time) == .lookAt(masterB))
            return follower
        }
        // Each of the three is old, the others are new.
        for old in ["local", "verdict", "named"] {
            let asked = Duration.seconds(100)
            var scene = follower(asked)
            let now = asked + .seconds(120)
            scene.see(a, askedAt: old == "local" ? asked : now)
            if old != "verdict" { scene.see(named(masterB, 2), isFailingOver: false, at: now) }
            scene.see(.master(b), at: masterB, askedAt: old == "named" ? asked : now)
            if case .perform = scene.step(at: now) { Issue.record("\(old)") }
        }
        var scene = follower(.seconds(100))
        scene.see(.master(b), at: masterB, askedAt: .seconds(100))
        guard case .perform = scene.step(at: .seconds(100)) else {
            Issue.record("\(scene.state)")
            return
        }
    }
}

extension Reconciler.State {
    fileprivate var isSuspecting: Bool { if case .suspecting = self { true } else { false } }
}
