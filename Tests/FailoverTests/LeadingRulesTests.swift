import Testing

@testable import Failover

@Suite("A leader")
struct LeadingRulesTests {
    @Test("takes writes once its history is in the lease, and not before")
    func order() throws {
        var scene = Scene()
        scene.see(Scene.record(holder: nil))
        scene.everybodyAnswers()
        let taken = try #require(scene.machine.tick(at: scene.now).first)
        guard case .writeLease(let record, _) = taken else {
            Issue.record("\(taken)")
            return
        }
        #expect(!scene.machine.mayTakeWrites(at: scene.now))
        let promotes = scene.machine.leaseWritten(record, LeaseVersion("x"), sentAt: scene.now, at: scene.now)
        #expect(promotes == [.promote(term: 4)])
        let names = scene.machine.promoted((id: "h4", start: 100, run: "run"), at: scene.now)
        guard case .writeLease(let named, replacing: LeaseVersion("x"))? = names.first else {
            Issue.record("\(names)")
            return
        }
        #expect(named.newestHistory == LeaseRecord.History(term: 4, id: "h4", start: 100))
        #expect(!scene.machine.mayTakeWrites(at: scene.now))
        let leads = scene.machine.leaseWritten(named, LeaseVersion("y"), sentAt: scene.now, at: scene.now)
        #expect(leads == [.takeWrites(term: 4), .publish(term: 4), .tell(.leads(term: 4))])
        #expect(scene.machine.mayTakeWrites(at: scene.now))
    }

    @Test("begins to fence early enough that it is over before the duration is")
    func fencesInTime() {
        var scene = Scene.leading()
        scene.now += .milliseconds(3999)
        let early = scene.machine.tick(at: scene.now)
        #expect(!early.contains(.fence(.leaseRanOut)))
        #expect(scene.machine.mayTakeWrites(at: scene.now))
        scene.now += .milliseconds(1)
        let due = scene.machine.tick(at: scene.now)
        #expect(due == [.fence(.leaseRanOut), .tell(.fencing(.leaseRanOut))])
        #expect(!scene.machine.mayTakeWrites(at: scene.now))
    }

    @Test("counts a renewal from when it was sent, not from when it was answered")
    func sentAt() {
        var scene = Scene.leading()
        var record = Scene.record(holder: Scene.a, term: 4)
        record.renewals = 9
        let sentAt = scene.now + .seconds(1)
        scene.now += .seconds(3)
        _ = scene.machine.leaseWritten(record, LeaseVersion("late"), sentAt: sentAt, at: scene.now)
        scene.now = sentAt + .seconds(4)
        let actions = scene.machine.tick(at: scene.now)
        #expect(actions.first == .fence(.leaseRanOut))
    }

    @Test("goes on without the store while all members agree, and not while one is silent")
    func agreements() {
        var scene = Scene.leading()
        let begin = scene.now
        for second in 1...30 {
            scene.now = begin + .seconds(second)
            _ = scene.machine.agreed("b", askedAt: scene.now)
            _ = scene.machine.agreed("c", askedAt: scene.now)
            _ = scene.machine.tick(at: scene.now)
            #expect(scene.machine.mayTakeWrites(at: scene.now))
        }
        for second in 31...33 {
            scene.now = begin + .seconds(second)
            _ = scene.machine.agreed("b", askedAt: scene.now)
            _ = scene.machine.agreed("a", askedAt: scene.now)
            _ = scene.machine.agreed("stranger", askedAt: scene.now)
            let actions = scene.machine.tick(at: scene.now)
            #expect(!actions.contains(.fence(.leaseRanOut)))
        }
        scene.now = begin + .seconds(34)
        let overdue = scene.machine.tick(at: scene.now)
        #expect(overdue.first == .fence(.leaseRanOut))
    }

    @Test("fences at once where the lease is another node's, or is gone, and gives nothing back")
    func taken() {
        var scene = Scene.leading()
        scene.now += .seconds(1)
        let fences = scene.see(Scene.record(holder: Scene.c, term: 5))
        #expect(fences.first == .fence(.leaseTaken(by: Scene.c)))
        let fenced = scene.machine.fenced(at: scene.now)
        #expect(fenced == [])
        #expect(scene.machine.state == .following)
        var other = Scene.leading()
        other.now += .seconds(1)
        let fencesToo = other.see(nil)
        #expect(fencesToo.first == .fence(.leaseTaken(by: nil)))
    }

    @Test("gives nothing back where the lease became another node's, or was removed, while it fenced")
    func takenMeanwhile() {
        for found in [Scene.record(holder: Scene.c, term: 5), nil] {
            var scene = Scene.leading()
            scene.now += .seconds(1)
            let fences = scene.local(.away, nil, run: "")
            #expect(fences.first == .fence(.serverAway))
            scene.now += .milliseconds(100)
            #expect(scene.see(found) == [])
            #expect(scene.machine.fenced(at: scene.now) == [])
            #expect(scene.machine.state == .following)
        }
    }

    @Test("gives the lease back once its server refuses writes, and not before", arguments: [true, false])
    func serverAway(isRestarted: Bool) {
        var scene = Scene.leading()
        scene.now += .milliseconds(500)
        let actions =
            isRestarted
            ? scene.local(.master(isTakingWrites: false), Scene.position, run: "another")
            : scene.local(.away, nil, run: "")
        #expect(actions.first == .fence(.serverAway))
        let gives = scene.machine.fenced(at: scene.now)
        guard case .writeLease(let record, _)? = gives.first else {
            Issue.record("\(gives)")
            return
        }
        #expect(record.holder == nil && record.term == 4 && record.successor == nil)
    }

    @Test("gives the lease back as soon as a renewal that was under way is answered")
    func renewalUnderWay() {
        var scene = Scene.leading()
        scene.now += .seconds(2)
        scene.local(.master(isTakingWrites: true), DataPosition(term: 4, history: "h4", offset: 100))
        let renews = scene.machine.tick(at: scene.now)
        guard case .writeLease(let renewed, _)? = renews.first else {
            Issue.record("\(renews)")
            return
        }
        scene.local(.away, nil, run: "")
        #expect(scene.machine.fenced(at: scene.now) == [], "one write at a time")
        scene.now += .milliseconds(20)
        let gives = scene.machine.leaseWritten(
            renewed, LeaseVersion("renewed"), sentAt: scene.now - .milliseconds(20), at: scene.now)
        guard case .writeLease(let record, LeaseVersion("renewed"))? = gives.first else {
            Issue.record("\(gives)")
            return
        }
        #expect(record.holder == nil && record.term == 4)
    }

    @Test("that never led is fenced where its server takes writes")
    func strayWriter() {
        var scene = Scene()
        scene.see(Scene.record())
        let actions = scene.local(.master(isTakingWrites: true))
        #expect(actions.first == .fence(.notLeader))
    }

    @Test("hands over once both have the same, as they were asked after writes were paused")
    func handover() {
        var scene = Scene.leading()
        scene.now += .milliseconds(100)
        let same = DataPosition(term: 4, history: "h4", offset: 120)
        scene.peer("c", .replica(of: "a", isLinkUp: true), same)
        scene.local(.master(isTakingWrites: true), same)
        let pauses = scene.machine.switchOver(to: "c", at: scene.now)
        #expect(pauses == [.pauseWrites(.seconds(1))])
        let unconfirmed = scene.machine.tick(at: scene.now)
        #expect(!unconfirmed.contains(.fence(.handover)), "the pause is not confirmed")
        scene.now += .milliseconds(5)
        let asks = scene.machine.writesPaused(at: scene.now)
        #expect(asks == [.askPeers])
        let unasked = scene.machine.tick(at: scene.now)
        #expect(!unasked.contains(.fence(.handover)), "both were asked before")
        scene.peer("c", .replica(of: "a", isLinkUp: true), same)
        scene.local(.master(isTakingWrites: true), same)
        let fences = scene.machine.tick(at: scene.now)
        #expect(fences.first == .fence(.handover))
        let gives = scene.machine.fenced(at: scene.now)
        guard case .writeLease(let record, _)? = gives.first else {
            Issue.record("\(gives)")
            return
        }
        #expect(record.holder == nil && record.successor == .init(name: "c", offset: 120))
    }

    @Test("names no successor where writes may have gone on before the fence")
    func lateFence() {
        var scene = Scene.leading()
        scene.peer("c", .replica(of: "a", isLinkUp: true), Scene.position)
        _ = scene.machine.switchOver(to: "c", at: scene.now)
        _ = scene.machine.writesPaused(at: scene.now)
        scene.peer("c", .replica(of: "a", isLinkUp: true), Scene.position)
        scene.local(.master(isTakingWrites: true), Scene.position)
        let fences = scene.machine.tick(at: scene.now)
        #expect(fences.first == .fence(.handover))
        scene.now += .seconds(1)
        guard case .writeLease(let record, _)? = scene.machine.fenced(at: scene.now).first else {
            Issue.record("\(scene.machine.state)")
            return
        }
        #expect(record.holder == nil && record.successor == nil)
    }

    @Test("goes on where the target does not catch up in time")
    func slowTarget() {
        var scene = Scene.leading()
        scene.peer("c", .replica(of: "a", isLinkUp: true), Scene.position)
        _ = scene.machine.switchOver(to: "c", at: scene.now)
        _ = scene.machine.writesPaused(at: scene.now)
        scene.now += .milliseconds(500)
        let actions = scene.machine.tick(at: scene.now)
        #expect(actions.first == .resumeWrites)
        #expect(scene.machine.mayTakeWrites(at: scene.now))
    }

    @Test("hands over to no node that is unknown, itself, or not in sync")
    func wrongTarget() {
        var scene = Scene.leading()
        for name in ["a", "x", "c"] {
            guard case .tell(.switchoverFailed)? = scene.machine.switchOver(to: name, at: scene.now).first else {
                Issue.record("\(name)")
                return
            }
        }
        #expect(scene.machine.mayTakeWrites(at: scene.now))
    }

    @Test("whose promotion never ends gives the lease back")
    func stuckPromotion() {
        var scene = Scene()
        scene.see(Scene.record(holder: nil))
        scene.everybodyAnswers()
        guard case .writeLease(let record, _)? = scene.machine.tick(at: scene.now).first else {
            Issue.record("no candidate")
            return
        }
        _ = scene.machine.leaseWritten(record, LeaseVersion("x"), sentAt: scene.now, at: scene.now)
        for _ in 0..<4 {
            scene.now += .seconds(1)
            scene.renew()
            let actions = scene.machine.tick(at: scene.now)
            #expect(!actions.contains(.fence(.promotionFailed)))
        }
        scene.now += .seconds(1)
        scene.renew()
        let overdue = scene.machine.tick(at: scene.now)
        #expect(overdue.first == .fence(.promotionFailed))
    }
}
