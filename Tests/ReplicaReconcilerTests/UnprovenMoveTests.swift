import RedisCore
import ReplicaReconciler
import Testing

/// redis-replica-init has a replica follow its placeholder while it restores the master's data from it.
@Suite("A restore of the master is no manual override")
struct UnprovenMoveTests {
    private let placeholder = MasterAddress(host: "10.0.0.9", port: 6379)
    private let away = ObservedMaster.at(.unreachable("refuses the connection"))
    private let record = MasterRecord(.master(masterA), by: .start, configured: masterA, serverRunID: "run-r")

    private func watch(finds followed: ObservedMaster.Standing?) -> Watch {
        var watch = Watch()
        watch.followed = followed
        _ = watch.look(.replica(), .at(.master(.master())))
        return watch
    }

    @Test(
        "its address is never recorded, whenever the looks fall, and nothing is moved",
        arguments: [nil, .placeholder, .unreachable("is silent")] as [ObservedMaster.Standing?])
    func restore(followed: ObservedMaster.Standing?) {
        var watch = watch(finds: followed)
        var actions: [Reconciler.Action] = watch.look(.replica(isUp: false), away)
        for _ in 0..<5 { actions += watch.look(.replica(of: placeholder), away) }
        #expect(watch.reconciler.record == record && watch.reconciler.unprovenMaster == placeholder)
        if followed == .placeholder {
            #expect(watch.reconciler.state == .settled(.restoresMaster(placeholder)))
        } else {
            #expect(watch.reconciler.state == .settled(.unprovenMove(placeholder, isLate: false)))
        }
        actions += watch.look(.replica(isUp: false), away)
        actions += watch.look(.replica(), .at(.master(.master("run-a2", history: "c"))))
        #expect(actions.records.isEmpty && actions.changes.isEmpty)
        #expect(!actions.events.contains { if case .movedByHand = $0 { true } else { false } })
        #expect(watch.reconciler.record == record)
    }

    /// The master starts at the address that the placeholder left a moment ago.
    @Test("a server that is seen there proves nothing about a replica that was seen before")
    func takenOver() {
        var watch = watch(finds: nil)
        _ = watch.look(.replica(of: placeholder), away)
        let now = watch.now
        // The replica was asked, then a server answered, then the replica answered and was pointed back just after.
        _ = watch.reconciler.see(.master(.master("run-a2")), at: placeholder, now: now + .seconds(2))
        _ = watch.reconciler.see(.replica(of: placeholder), askedAt: now + .seconds(1), at: now + .seconds(3))
        #expect(watch.reconciler.record == record)
        _ = watch.reconciler.see(.replica(), askedAt: now + .seconds(4), at: now + .seconds(4))
        #expect(watch.reconciler.record == record)
    }

    @Test(
        "a manual override is recorded once any server was seen there",
        arguments: [
            .master(.master("run-c")), .replica(of: masterA), .loading, .refuses("asks for a password"),
        ] as [ObservedMaster.Standing])
    func override(followed: ObservedMaster.Standing) {
        var watch = watch(finds: followed)
        let actions = watch.look(.replica(of: masterC), away)
        #expect(actions.events.contains(.movedByHand(.master(masterC))))
        #expect(watch.reconciler.record?.author == .hand && watch.reconciler.record?.following == .master(masterC))
        #expect(watch.reconciler.unprovenMaster == nil)
    }

    @Test("the replica is not moved back meanwhile, though the configured master is there")
    func leftAlone() {
        var watch = watch(finds: nil)
        for _ in 0..<10 { #expect(watch.look(.replica(of: masterC), .at(.master(.master()))).changes.isEmpty) }
    }

    @Test("one that nothing answers for is an alarm after half a minute, and none before")
    func late() {
        var watch = watch(finds: .unreachable("is silent"))
        var events: [Reconciler.Event] = []
        for _ in 0..<30 { events += watch.look(.replica(of: masterC), away).events }
        #expect(!events.contains(.alarm(.unprovenMove(masterC, isLate: true))))
        events += watch.look(.replica(of: masterC), away).events
        #expect(events.contains(.alarm(.unprovenMove(masterC, isLate: true))))
    }

    @Test("a sidecar that starts in the middle of it records nothing of it either")
    func startsMeanwhile() {
        for record in [nil, record] {
            var watch = Watch(record: record)
            watch.followed = .placeholder
            for _ in 0..<5 { #expect(watch.look(.replica(of: placeholder), away).records.isEmpty) }
            #expect(watch.look(.replica(), .at(.master(.master()))).records.allSatisfy { $0.author == .start })
        }
    }

    @Test("a promotion needs no proof, and begins a term; what follows it stays in that term")
    func terms() throws {
        var watch = watch(finds: nil)
        _ = watch.look(.master("run-r"), away)
        #expect(watch.reconciler.record?.term == 1)
        watch.followed = .master(.master("run-c"))
        _ = watch.look(.replica(of: masterC), away)
        #expect(watch.reconciler.record?.term == 1)
        _ = watch.look(.replica(), .at(.master(.master())))
        #expect(watch.reconciler.record?.term == 1 && watch.reconciler.record?.author == .start)
        _ = watch.look(.master("run-r"), away)
        #expect(watch.reconciler.record?.term == 2)
    }
}
