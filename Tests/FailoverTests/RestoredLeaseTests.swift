import Testing

@testable import Failover

/// The store was restored from a backup that lacks the newest term: the record says 3, and there were writes in term 4.
@Suite("With a lease that is older than the data, a node")
struct RestoredLeaseTests {
    private static let newer = DataPosition(term: 4, history: "h4", offset: 200)

    private static func scene(own: DataPosition = newer, other: DataPosition = newer) -> Scene {
        var scene = Scene()
        scene.see(Scene.record(holder: nil))
        scene.local(.replica(of: "b", isLinkUp: false), own)
        scene.peer("b", .away, nil)
        scene.peer("c", .replica(of: "b", isLinkUp: false), other)
        return scene
    }

    @Test("of the later term takes it, in a term above, and names what the store had lost")
    func takes() {
        guard case .take(let record, _) = Self.scene().candidacy else {
            Issue.record("\(Self.scene().candidacy)")
            return
        }
        #expect(record.term == 5)
        #expect(record.histories == [Scene.history, .init(term: 4, id: "h4", start: 0)])
    }

    @Test("without data of the later term does not take it beside one that has some")
    func behind() {
        #expect(Self.scene(own: Scene.position).candidacy == .blocked(.peerAhead("c")))
        // Its offset says nothing.
        let far = DataPosition(term: 3, history: "h3", offset: 9000)
        #expect(Self.scene(own: far).candidacy == .blocked(.peerAhead("c")))
    }

    @Test("takes it above the highest term that was heard, also of a node whose data do not count")
    func heard() {
        var scene = Self.scene(own: Scene.position, other: Scene.position)
        scene.machine.hear(term: 9)
        guard case .take(let record, _) = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
        #expect(record.term == 10 && record.histories == [Scene.history])
        // Before the store went back, it said so itself.
        var other = Scene()
        other.see(Scene.record(term: 7))
        other.see(Scene.record(holder: nil))
        other.everybodyAnswers()
        guard case .take(let next, _) = other.candidacy else {
            Issue.record("\(other.candidacy)")
            return
        }
        #expect(next.term == 8)
        // No number of the outside ends the process.
        other.machine.hear(term: .max)
        guard case .take(let last, _) = other.candidacy else { return }
        #expect(last.term == .max)
    }

    @Test("does not overlook one whose data it cannot count, if they are newer")
    func uncountedAhead() {
        var scene = Self.scene()
        scene.peer("b", .replica(of: nil, isLinkUp: false), Self.newer)
        scene.peer("c", .incomplete(.positionUnknown), DataPosition(term: 4, history: "h4", offset: 201))
        #expect(scene.candidacy == .blocked(.peerAhead("c")))
        scene.peer("c", .incomplete(.positionUnknown), DataPosition(term: 4, history: "h4", offset: 100))
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
        scene.peer("b", .away, nil)
        #expect(scene.candidacy == .blocked(.tooFewAnswers(1, needed: 2)), "it is no answer")
    }

    @Test("that leads gives up its place, also where the version has the name of the one that it wrote")
    func sameVersion() {
        for version in ["named", "another"] {
            var scene = Scene.leading()
            scene.now += .seconds(1)
            let actions = scene.machine.see(
                lease: (Scene.record(), LeaseVersion(version)), askedAt: scene.now, at: scene.now)
            #expect(actions.first == .fence(.leaseTaken(by: Scene.b)), "\(version)")
        }
    }

    @Test("says so")
    func doubts() {
        func doubt(_ record: LeaseRecord?, _ position: DataPosition) -> LeaseDoubt? {
            LeaseDoubt(record, position: position)
        }
        #expect(doubt(Scene.record(), Self.newer) == .olderThanData(leaseTerm: 3, dataTerm: 4))
        #expect(doubt(nil, Self.newer) == .olderThanData(leaseTerm: 0, dataTerm: 4))
        #expect(doubt(Scene.record(), Scene.position) == nil)
        #expect(doubt(Scene.record(term: 9), Self.newer) == nil, "the term is not among those that it keeps")
        let twice = DataPosition(term: 3, history: "other", offset: 1)
        #expect(doubt(Scene.record(), twice) == .termIssuedTwice(3))
        #expect(doubt(nil, DataPosition(term: 0, history: "h", offset: 9)) == nil, "a new installation")
    }
}

@Suite("A server that was restarted after its node was chosen")
struct RestartedChoiceTests {
    private static func promoting() -> Scene? {
        var scene = Scene()
        scene.see(Scene.record(holder: nil))
        scene.everybodyAnswers()
        guard case .writeLease(let taken, _)? = scene.machine.tick(at: scene.now).first else { return nil }
        _ = scene.machine.leaseWritten(taken, LeaseVersion("taken"), sentAt: scene.now, at: scene.now)
        return scene
    }

    @Test("is not promoted: its data may be others")
    func promoted() throws {
        var scene = try #require(Self.promoting())
        let actions = scene.machine.promoted((id: "h4", start: 100, run: "another"), at: scene.now)
        #expect(actions.first == .fence(.serverAway))
        var seen = try #require(Self.promoting())
        let atOnce = seen.local(.replica(of: nil, isLinkUp: false), Scene.position, run: "another")
        #expect(atOnce.first == .fence(.serverAway))
    }
}
