import RedisCore
import ReplicaReconciler
import Testing

@Suite struct ReconcilerTests {
    private let observationOfB = ObservedMaster.at(.master(.master("run-b", history: "b", second: ("a", 2000))))

    // MARK: The way to a change

    @Test func theNameLeadsToAnotherMaster() throws {
        var watch = Watch()
        #expect(watch.look(.replica(), .at(.master(.master()))).events.isEmpty)
        let change = Change(.reconnect, .nameMoved, masterRunID: "run-b", masterAddress: "10.0.0.1")
        #expect(watch.look(.replica(), observationOfB).events == [.suspects(change)])
        #expect(watch.reconciler.isAlert)
        #expect(watch.look(.replica(), observationOfB, after: .milliseconds(250)) == [])
        #expect(watch.look(.replica(), observationOfB, after: .milliseconds(250)) == [])
        let actions = watch.look(.replica(), observationOfB, after: .milliseconds(250))
        #expect(actions == [.tell(.performs(change, .continues)), .perform(change, recording: nil)])
        // Other observations while it is performed.
        #expect(watch.look(.replica(isUp: false), observationOfB) == [])
        #expect(watch.performed() == [.tell(.performed(change))])
        #expect(watch.look(.replica(history: "b"), observationOfB) == [])
        #expect(watch.reconciler.state == .settled(.inStep))
    }

    @Test func theEnvironmentNamesAnotherMaster() throws {
        var watch = Watch(masterB)
        let observation = ObservedMaster.at(masterB, .master(.master("run-b", history: "b", second: ("a", 2000))))
        let actions = watch.lookOn(.replica(), observation)
        #expect(actions.changes.map(\.move) == [.follow(masterB)])
        #expect(actions.changes.map(\.cause) == [.configured(instead: masterA)])
        let record = try #require(actions.records.last)
        #expect(record.following == .master(masterB))
        #expect(record.author == .sidecar)
        #expect(record.overrules(masterA))
        _ = watch.performed()
        #expect(watch.reconciler.record == record)
        #expect(
            watch.look(.replica(of: masterB, isUp: false), observation) == [],
            "what was just done is not somebody's hand")
        #expect(watch.reconciler.state == .settled(.redisConnects))
    }

    @Test func aSilentLinkIsMadeAnew() {
        var watch = Watch()
        #expect(watch.lookOn(.replica(silent: 15), .at(.master(.master()))).changes.isEmpty)
        #expect(watch.lookOn(.replica(silent: 16), .at(.master(.master()))).changes.map(\.cause) == [.silentLink])
    }

    @Test func aSilentLinkStaysWhereNobodyElseAnswersEither() {
        var watch = Watch()
        #expect(watch.lookOn(.replica(silent: 40), .at(.unreachable("is silent"))).changes.isEmpty)
    }

    @Test func aConnectThatHangsIsMadeAnew() {
        var watch = Watch()
        let local = ServerInformation.replica(isUp: false, linkState: "connecting")
        #expect(watch.lookOn(local, .at(.unreachable("is silent"))).changes.isEmpty)
        let changes = watch.lookOn(local, observationOfB).changes
        #expect(changes.map(\.move) == [.redial(masterA)] && changes.map(\.cause) == [.hangingConnect])
        #expect(changes.first?.isSameName == true)
    }

    @Test func aConnectThatIsRetriedIsLeftToRedis() {
        var watch = Watch()
        #expect(watch.lookOn(.replica(isUp: false, linkState: "connect"), observationOfB).changes.isEmpty)
    }

    @Test func whatIsSeenOnlyForAMomentChangesNothing() {
        var watch = Watch()
        for _ in 0..<10 {
            #expect(watch.look(.replica(), observationOfB, after: .milliseconds(500)).changes.isEmpty)
            #expect(watch.look(.replica(), .at(.master(.master())), after: .milliseconds(500)).changes.isEmpty)
        }
    }

    @Test func anotherMasterEachTimeIsSuspectedAnew() {
        var watch = Watch()
        for round in 0..<10 {
            let observation = ObservedMaster.at(.master(.master("run-\(round)", history: "b", second: ("a", 2000))))
            #expect(watch.look(.replica(), observation, after: .milliseconds(700)).changes.isEmpty)
        }
    }

    @Test func tenChangesInTenSecondsGiveOneAtMost() {
        var watch = Watch()
        var changes: [Change] = []
        for round in 0..<10 {
            let isB = round % 2 == 0
            let observation = isB ? observationOfB : .at(.master(.master()))
            for _ in 0..<4 {
                let followsB = changes.count % 2 == 1
                let actions = watch.look(
                    .replica(history: followsB ? "b" : "a"), observation, after: .milliseconds(250))
                changes += actions.changes
                if !actions.changes.isEmpty { _ = watch.performed() }
            }
        }
        #expect(changes.count == 1)
    }

    @Test func theNextChangeWaitsForTheInterval() {
        var watch = Watch()
        #expect(watch.lookOn(.replica(), observationOfB).changes.count == 1)
        _ = watch.performed()
        let back = ObservedMaster.at(.master(.master(history: "a", second: ("b", 2000))))
        let local = ServerInformation.replica(history: "b")
        #expect(watch.lookOn(local, back).changes.isEmpty)
        guard case .waiting = watch.reconciler.state else {
            Issue.record("waits for the interval, and is \(watch.reconciler.state)")
            return
        }
        for _ in 0..<5 { #expect(watch.look(local, back, after: .seconds(4)).changes.isEmpty) }
        #expect((0..<3).flatMap { _ in watch.look(local, back, after: .seconds(4)) }.changes.count == 1)
    }

    @Test func aFailureIsTriedAgainAfterAWhile() {
        var watch = Watch(masterB)
        let observation = ObservedMaster.at(masterB, .master(.master("run-b", history: "b", second: ("a", 2000))))
        #expect(watch.lookOn(.replica(), observation).changes.count == 1)
        let before = watch.reconciler.record
        let actions = watch.performed("READONLY")
        #expect(actions.events.map(\.severity) == [.warning])
        #expect(actions.records == [before], "the record is as it was")
        #expect(watch.lookOn(.replica(), observation).changes.isEmpty)
        #expect(watch.look(.replica(), observation, after: .seconds(5)).changes.count == 1)
    }

    @Test func aLookThatIsTooOldCountsNoMore() {
        var watch = Watch()
        _ = watch.look(.replica(), observationOfB)
        let later = watch.now + .seconds(6)
        #expect(watch.reconciler.see(.replica(), at: later).changes.isEmpty)
        #expect(watch.reconciler.state == .settled(.masterUnseen))
    }

    @Test func aDryRunSaysItOnce() {
        var watch = Watch { $0.isDryRun = true }
        let actions = watch.lookOn(.replica(), observationOfB)
        #expect(actions.changes.isEmpty)
        #expect(actions.events.map(\.severity) == [.debug, .info])
        #expect(watch.lookOn(.replica(), observationOfB).isEmpty)
        _ = watch.lookOn(.replica(), .at(.master(.master())))
        #expect(watch.lookOn(.replica(), observationOfB).events.count == 2, "said again when it is seen again")
    }

    // MARK: The guard

    private let emptyMaster = ObservedMaster.at(masterB, .master(.master("run-b", history: "b", offset: 0, keys: 0)))

    @Test func anEmptyMasterIsNotFollowedUntilSomebodyConfirms() throws {
        var watch = Watch(masterB)
        let actions = watch.lookOn(.replica(), emptyMaster)
        #expect(actions.changes.isEmpty)
        #expect(actions.events.map(\.severity) == [.debug, .error])
        #expect(watch.reconciler.isHeld)
        #expect(watch.lookOn(.replica(), emptyMaster).isEmpty, "said once")
        let confirmation = watch.confirm()
        #expect(confirmation?.changes.count == 1)
    }

    @Test func aConfirmationIsForTheMasterThatWasSeen() throws {
        var watch = Watch(masterB)
        _ = watch.lookOn(.replica(), emptyMaster)
        _ = watch.confirm()
        _ = watch.performed("READONLY")
        let another = ObservedMaster.at(masterB, .master(.master("run-c", history: "c", offset: 0, keys: 0)))
        #expect(watch.look(.replica(), another, after: .seconds(10)).changes.isEmpty)
        #expect(watch.lookOn(.replica(), another).changes.isEmpty)
        #expect(watch.reconciler.isHeld)
    }

    @Test func whatIsHeldGoesOnWhenTheDataIsBack() {
        var watch = Watch(masterB)
        _ = watch.lookOn(.replica(), emptyMaster)
        let restored = ObservedMaster.at(masterB, .master(.master("run-b", history: "b", offset: 0, keys: 10)))
        #expect(watch.lookOn(.replica(), restored).changes.count == 1)
    }

    @Test func whatIsHeldIsReleasedWhenItIsNotAskedForAnyMore() {
        var watch = Watch()
        let observation = ObservedMaster.at(.master(.master("run-b", history: "b", offset: 0, keys: 0)))
        _ = watch.lookOn(.replica(), observation)
        #expect(watch.reconciler.isHeld)
        let events = watch.look(.replica(), .at(.master(.master()))).events
        #expect(events.contains { if case .released = $0 { true } else { false } })
        #expect(!watch.reconciler.isHeld)
    }

    @Test func theGuardCanBeSwitchedOff() {
        var watch = Watch(masterB) { $0.followsAnything = true }
        #expect(watch.lookOn(.replica(), emptyMaster).changes.count == 1)
    }

    @Test func thereIsNothingToConfirmWhereNothingIsHeld() {
        var watch = Watch()
        _ = watch.look(.replica(), .at(.master(.master())))
        let confirmation = watch.confirm()
        #expect(confirmation == nil)
    }

    @Test func aSynchronisationThatLeavesNothingIsAnAlarm() throws {
        var watch = Watch()
        _ = watch.look(.replica(keys: 10), .at(.master(.master())))
        _ = watch.look(
            .replica(history: "b", keys: 10, isUp: false, isSynchronising: true), .at(.unreachable("is silent")))
        let empty = ServerInformation.replica(history: "b", keys: 0)
        let observation = ObservedMaster.at(.master(.master("run-b", history: "b", offset: 0, keys: 0)))
        #expect(watch.look(empty, observation).events.contains(.emptied(keys: 10)))
        #expect(watch.reconciler.emptiedKeys == 10)
        let confirmation = watch.confirm()
        #expect(confirmation?.events == [.lossAcknowledged(keys: 10)])
        #expect(watch.reconciler.emptiedKeys == nil)
    }

    @Test func keysThatWereDeletedAreNoAlarm() {
        var watch = Watch()
        _ = watch.look(.replica(keys: 10), .at(.master(.master())))
        #expect(
            watch.look(.replica(applied: 1100, keys: 0), .at(.master(.master(offset: 1100, keys: 0)))).events.isEmpty)
    }

    // MARK: What others did

    @Test func whatIsDoneByHandStays() throws {
        var watch = Watch()
        _ = watch.look(.replica(), .at(.master(.master())))
        let actions = watch.look(.replica(of: masterC), .at(.master(.master())))
        #expect(actions.events == [.movedByHand(.master(masterC))])
        let record = try #require(actions.records.last)
        #expect(record.author == .hand && record.overrules(masterA))
        #expect(watch.lookOn(.replica(of: masterC), .at(.master(.master()))).isEmpty)
        #expect(watch.reconciler.state == .settled(.byHand(.master(masterC))))
    }

    @Test func aPromotionByHandStaysAndIsRecorded() throws {
        var watch = Watch()
        _ = watch.look(.replica(), .at(.master(.master())))
        let record = try #require(watch.look(.master("run-r"), .at(.master(.master()))).records.last)
        #expect(record.following == .nobody && record.author == .hand && record.overrules(masterA))
        #expect(watch.lookOn(.master("run-r"), .at(.master(.master()))).isEmpty)
    }

    @Test func whatWasDoneByHandWhileNobodyWatchedStays() {
        let record = MasterRecord(.master(masterA), by: .start, configured: masterA, serverRunID: "run-r")
        var watch = Watch(record: record)
        let actions = watch.lookOn(.replica(of: masterC), .at(.master(.master())))
        #expect(actions.changes.isEmpty)
        #expect(watch.reconciler.record?.author == .hand)
    }

    @Test func anEnvironmentThatNamesAnotherMasterIsNewerThanAHand() {
        let record = MasterRecord(
            .master(masterC), by: .hand, superseding: [masterA], configured: masterA, serverRunID: "run-r")
        var watch = Watch(masterB, record: record)
        let observation = ObservedMaster.at(masterB, .master(.master("run-b", history: "b", second: ("a", 2000))))
        #expect(watch.lookOn(.replica(of: masterC), observation).changes.map(\.move) == [.follow(masterB)])
    }

    @Test func aHandThatGoesBackEndsTheRecord() {
        let record = MasterRecord(
            .master(masterC), by: .hand, superseding: [masterA], configured: masterA, serverRunID: "run-r")
        var watch = Watch(record: record)
        _ = watch.look(.replica(of: masterC), .at(.master(.master())))
        #expect(watch.look(.replica(), .at(.master(.master()))).events == [.movedByHand(.master(masterA))])
        #expect(watch.reconciler.record?.author == .start)
        #expect(watch.reconciler.record?.overrules(masterA) == false)
    }

    @Test func aServerThatIsStartedAnewAsItWasKeepsItsRecord() {
        let record = MasterRecord(
            .master(masterC), by: .hand, superseding: [masterA], configured: masterA, serverRunID: "run-r")
        var watch = Watch(record: record)
        let actions = watch.lookOn(.replica(of: masterC, runID: "run-r2"), .at(.master(.master())))
        #expect(actions.changes.isEmpty && actions.events.isEmpty)
        #expect(watch.reconciler.record?.serverRunID == "run-r2")
        #expect(watch.reconciler.record?.overrules(masterA) == true)
    }

    /// An operator may have been faster than the first observation of the restarted server.
    @Test func aServerThatIsMetElsewhereAfterAStartWasMovedByHand() {
        var watch = Watch()
        _ = watch.look(.replica(), .at(.master(.master())))
        let actions = watch.lookOn(.replica(of: masterC, runID: "run-r2"), .at(.master(.master(second: ("b", 2000)))))
        #expect(actions.changes.isEmpty)
        #expect(actions.events == [.movedByHand(.master(masterC))])
    }

    @Test func aMasterThatIsMetFirstWasPromotedByHand() {
        var watch = Watch()
        _ = watch.look(.master("run-r"), .at(.master(.master())))
        #expect(watch.reconciler.record?.author == .hand)
        #expect(watch.reconciler.record?.overrules(masterA) == true)
    }

    @Test func aServerThatIsMetElsewhereFirstFollowsTheEnvironment() {
        var watch = Watch()
        let observation = ObservedMaster.at(.master(.master(second: ("b", 2000))))
        #expect(
            watch.lookOn(.replica(of: masterC, history: "b"), observation).changes.map(\.move) == [.follow(masterA)])
    }

    @Test func aServerThatIsAwayIsToldOnceAndWhenItIsBack() {
        var watch = Watch()
        #expect(watch.look(.replica(), .at(.master(.master()))).events.isEmpty)
        #expect(
            watch.reconciler.lose("connection refused", at: .seconds(1)).events == [
                .alarm(.serverAway("connection refused"))
            ])
        #expect(watch.reconciler.lose("timed out", at: .seconds(2)).isEmpty)
        // An observation of the master does not refresh what the server said before.
        for second in 3...6 {
            #expect(watch.reconciler.see(.at(.master(.master())), at: .seconds(second)).isEmpty)
            #expect(watch.reconciler.state == .settled(.serverAway("timed out")))
        }
        #expect(watch.look(.replica(), .at(.master(.master()))).events == [.alarmOver(.serverAway("timed out"))])
    }
}
