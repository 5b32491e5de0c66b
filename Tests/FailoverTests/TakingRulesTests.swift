import Testing

@testable import Failover

@Suite("A node takes the lease")
struct TakingRulesTests {
    @Test("never from a holder that keeps renewing, however long we wait")
    func renewingHolder() {
        var scene = Scene()
        var record = Scene.record()
        for _ in 0..<1000 {
            record.renewals += 1
            scene.see(record)
            scene.everybodyAnswers()
            scene.now += .milliseconds(4999)
            scene.everybodyAnswers()
            guard case .wait = scene.candidacy else {
                Issue.record("\(scene.candidacy)")
                return
            }
        }
    }

    @Test("once the record did not change for the whole duration and the tolerance, on our own clock")
    func silentHolder() {
        var scene = Scene()
        scene.see(Scene.record())
        scene.now += .milliseconds(5099)
        scene.everybodyAnswers()
        #expect(scene.candidacy == .wait(until: .milliseconds(1_005_100)))
        scene.now += .milliseconds(1)
        scene.everybodyAnswers()
        guard case .take(let record, _) = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
        #expect(record.holder == Scene.a && record.term == 4 && record.histories == [Scene.history])
    }

    @Test("by the longer one of the record's duration and its own")
    func longerDuration() {
        var scene = Scene()
        var record = Scene.record()
        record.duration = .seconds(30)
        scene.see(record)
        #expect(scene.candidacy == .wait(until: .milliseconds(1_030_100)))
    }

    @Test("counts the time since it saw the record itself, also after a restart")
    func restarted() {
        var scene = Scene()
        scene.see(Scene.record())
        scene.now += .seconds(1)
        scene.seeAgain(Scene.record())
        #expect(scene.candidacy == .wait(until: .milliseconds(1_005_100)))
        var other = Scene()
        other.now = scene.now
        other.see(Scene.record())
        #expect(other.candidacy == .wait(until: .milliseconds(1_006_100)))
    }

    @Test("counts no node whose position is not known")
    func unknownPosition() {
        var scene = Scene()
        scene.see(Scene.record(holder: nil))
        scene.local()
        scene.peer("b", .away, nil)
        scene.peer("c", .incomplete(.positionUnknown), nil)
        #expect(scene.candidacy == .blocked(.tooFewAnswers(1, needed: 2)))
        scene.local(.incomplete(.positionUnknown), nil)
        #expect(scene.candidacy == .blocked(.ownDataIncomplete(.positionUnknown)))
    }

    @Test("at once where its holder gave it back")
    func givenBack() {
        var scene = Scene()
        scene.see(Scene.record(holder: nil))
        scene.everybodyAnswers()
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
    }

    @Test("at once where an earlier process of its own pod was the holder, and not where another pod of its name was")
    func ownPod() {
        var scene = Scene()
        scene.see(Scene.record(holder: NodeID(name: "a", pod: "pod-a", start: 0)))
        scene.everybodyAnswers()
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
        scene.see(Scene.record(holder: NodeID(name: "a", pod: "an older pod", start: 0)))
        scene.everybodyAnswers()
        guard case .wait = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
    }

    /// Each rule, by one thing that is against it.
    static let rules: [(String, BlockReason, @Sendable (inout Scene) -> Void)] = [
        ("without an answer of the store", .leaseUnknown, { $0 = Scene() }),
        (
            "with priority 0", .priorityZero,
            { scene in
                scene = Scene { $0.priority = 0 }
                scene.see(Scene.record(holder: nil))
                scene.everybodyAnswers()
            }
        ),
        ("while fail-over is paused", .paused, { $0.see(Scene.record(holder: nil, isPaused: true)) }),
        ("while its own server is away", .ownServerAway, { $0.local(.away, nil) }),
        ("while its server loads", .ownDataIncomplete(.loading), { $0.local(.incomplete(.loading)) }),
        ("in a full copy", .ownDataIncomplete(.copying), { $0.local(.incomplete(.copying)) }),
        ("emptied by a copy that failed", .ownDataIncomplete(.emptied), { $0.local(.incomplete(.emptied), nil) }),
        ("while its link to the master is up", .linkUp, { $0.local(.replica(of: "b", isLinkUp: true)) }),
        (
            "that was never in sync in the last term", .notInSync,
            { scene in
                scene.local(.replica(of: "b", isLinkUp: false), DataPosition(term: 2, history: "h2", offset: 900))
            }
        ),
        ("alone", .tooFewAnswers(1, needed: 2), { $0.peer("c", .away, nil) }),
        (
            "with a peer that loads, which is no answer", .tooFewAnswers(1, needed: 2),
            { $0.peer("c", .incomplete(.loading)) }
        ),
        (
            "behind a peer", .peerAhead("c"),
            { scene in
                scene.peer("c", .replica(of: "b", isLinkUp: false), DataPosition(term: 3, history: "h3", offset: 101))
            }
        ),
        (
            "behind a peer of a later term, whatever the offsets", .peerAhead("c"),
            { scene in
                scene.peer("c", .replica(of: "b", isLinkUp: false), DataPosition(term: 4, history: "h4", offset: 1))
            }
        ),
        (
            "beside data that was never one with its own", .peerUnrelated("c"),
            { scene in
                scene.peer("c", .replica(of: "b", isLinkUp: false), DataPosition(term: 3, history: "other", offset: 1))
            }
        ),
        (
            "beside a master that takes writes", .masterAlive("b"),
            { scene in
                scene.peer("b", .master(isTakingWrites: true), Scene.position)
            }
        ),
        (
            "without data beside a peer that has some", .peerAhead("c"),
            { scene in
                scene.see(Scene.record(holder: nil, histories: []))
                scene.everybodyAnswers()
                scene.local(.master(isTakingWrites: false), nil)
            }
        ),
    ]

    @Test("not", arguments: rules.map(\.0))
    func blocked(name: String) throws {
        let rule = try #require(Self.rules.first { $0.0 == name })
        var scene = Scene()
        scene.see(Scene.record(holder: nil))
        scene.everybodyAnswers()
        rule.2(&scene)
        #expect(scene.candidacy == .blocked(rule.1))
    }

    @Test("not by answers from before the old holder's time was over")
    func oldAnswers() {
        var scene = Scene()
        scene.see(Scene.record())
        scene.everybodyAnswers()
        scene.now += .seconds(6)
        #expect(scene.candidacy == .blocked(.leaseUnknown))
        scene.storeAnswersAgain()
        #expect(scene.candidacy == .blocked(.ownServerAway))
        scene.local()
        #expect(scene.candidacy == .blocked(.tooFewAnswers(1, needed: 2)))
        scene.peer("c")
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
    }

    @Test("not while it is promised, and then by answers from after the promise alone")
    func promised() {
        var scene = Scene()
        scene.see(Scene.record())
        scene.now += .seconds(4)
        scene.everybodyAnswers()
        let agrees = scene.machine.agrees(to: Scene.b, term: 3, at: scene.now)
        #expect(agrees)
        scene.now += .seconds(2)
        scene.everybodyAnswers()
        #expect(scene.candidacy == .blocked(.promised(until: .milliseconds(1_009_100))))
        scene.now += .milliseconds(3100)
        #expect(scene.candidacy == .blocked(.ownServerAway))
        scene.everybodyAnswers()
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
    }

    @Test("in spite of a promise, once the leader that it was given to has given the lease back")
    func promiseIsVoid() {
        var scene = Scene()
        scene.see(Scene.record())
        scene.everybodyAnswers()
        let agrees = scene.machine.agrees(to: Scene.b, term: 3, at: scene.now)
        #expect(agrees)
        scene.now += .milliseconds(500)
        scene.see(Scene.record(holder: nil, successor: "a"))
        scene.everybodyAnswers()
        guard case .take(let record, _) = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
        #expect(record.term == 4)
    }

    @Test("in a term above every one that is known, also where the store was wiped")
    func termAboveAll() {
        for (own, other, expected) in [(UInt64(7), UInt64(3), UInt64(8)), (3, 9, 10), (0, 0, 1)] {
            var scene = Scene { $0.writeQuorum = 3 }
            scene.see(nil)
            scene.local(
                .replica(of: nil, isLinkUp: false), DataPosition(term: own, history: "h", offset: 5))
            scene.peer("b", .away, nil)
            scene.peer("c", .replica(of: nil, isLinkUp: false), DataPosition(term: other, history: "h", offset: 5))
            if other > own { #expect(scene.candidacy == .blocked(.peerAhead("c"))) }
            if other > own { _ = scene.machine.force(at: scene.now) }
            guard case .take(let record, nil) = scene.candidacy else {
                Issue.record("\(scene.candidacy)")
                continue
            }
            #expect(record.term == expected)
        }
    }

    @Test("never while there is no lease and it is unknown how new some node's data is")
    func unknownDataWithoutLease() {
        for record in [nil, Scene.record(holder: nil, histories: [])] {
            var scene = Scene()
            scene.see(record)
            scene.local(.replica(of: nil, isLinkUp: false), nil)
            scene.peer("b", .replica(of: nil, isLinkUp: false), nil)
            scene.peer("c", .incomplete(.positionUnknown), nil)
            #expect(scene.candidacy == .blocked(.peerUnknown("c")))
            scene.peer("c", .replica(of: nil, isLinkUp: false), nil)
            guard case .take = scene.candidacy else {
                Issue.record("\(scene.candidacy)")
                return
            }
        }
    }

    @Test("by force: against the rules about data, never against a leader, a promise or a store that is not known")
    func forced() {
        var scene = Scene()
        scene.see(Scene.record(isPaused: true))
        scene.now += .seconds(6)
        scene.storeAnswersAgain()
        scene.local(.replica(of: "b", isLinkUp: false), DataPosition(term: 2, history: "h2", offset: 5))
        scene.peer("b", .away, nil)
        scene.peer("c")
        #expect(scene.candidacy == .blocked(.paused))
        _ = scene.machine.force(at: scene.now)
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
        scene.peer("b", .master(isTakingWrites: true), Scene.position)
        #expect(scene.candidacy == .blocked(.masterAlive("b")))
        scene.peer("b", .away, nil)
        scene.local(.incomplete(.loading), nil)
        #expect(scene.candidacy == .blocked(.ownDataIncomplete(.loading)))
        scene.local(.incomplete(.lostData), nil)
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
        var held = Scene()
        held.see(Scene.record())
        held.everybodyAnswers()
        _ = held.machine.force(at: held.now)
        guard case .wait = held.candidacy else {
            Issue.record("\(held.candidacy)")
            return
        }
        let agrees = held.machine.agrees(to: Scene.b, term: 3, at: held.now)
        #expect(agrees)
        guard case .blocked(.promised) = held.candidacy else {
            Issue.record("\(held.candidacy)")
            return
        }
        var unknown = Scene()
        unknown.everybodyAnswers()
        _ = unknown.machine.force(at: unknown.now)
        #expect(unknown.candidacy == .blocked(.leaseUnknown))
    }

    @Test("not without a dead-man process, and a leader gives up its place without one")
    func unwatched() {
        var scene = Scene.leading()
        guard case .leading = scene.machine.state else {
            Issue.record("\(scene.machine.state)")
            return
        }
        let actions = scene.machine.see(isWatched: false, at: scene.now)
        #expect(actions.first == .fence(.unwatched))
        #expect(scene.candidacy == .blocked(.unwatched))
        #expect(scene.machine.see(isWatched: true, at: scene.now) == [])
        #expect(scene.candidacy != .blocked(.unwatched))
    }

    @Test("agrees only with the holder of the term that it knows, and not while it takes the lease itself")
    func agreement() {
        var scene = Scene()
        let knowsNoLease = scene.machine.agrees(to: Scene.b, term: 3, at: scene.now)
        #expect(!knowsNoLease)
        scene.see(Scene.record())
        let toAnother = scene.machine.agrees(to: Scene.c, term: 3, at: scene.now)
        #expect(!toAnother)
        let toAnOlderTerm = scene.machine.agrees(to: Scene.b, term: 2, at: scene.now)
        #expect(!toAnOlderTerm)
        scene.now += .seconds(6)
        scene.everybodyAnswers()
        _ = scene.machine.tick(at: scene.now)
        let whileTaking = scene.machine.agrees(to: Scene.b, term: 3, at: scene.now)
        #expect(!whileTaking)
    }

    @Test("as the named successor at once, with its link up, if it has all that the leader had; the others wait")
    func successor() {
        var scene = Scene()
        scene.see(Scene.record(holder: nil, successor: "a"))
        scene.local(.replica(of: "b", isLinkUp: true))
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
        scene.local(.replica(of: "b", isLinkUp: true), DataPosition(term: 3, history: "h3", offset: 99))
        #expect(scene.candidacy == .blocked(.behindHandover))
        scene.see(Scene.record(holder: nil, successor: "c"))
        scene.everybodyAnswers()
        #expect(scene.candidacy == .wait(until: .milliseconds(1_002_500)))
    }

    @Test("not by an answer of the store that was overtaken")
    func overtaken() {
        var scene = Scene()
        scene.now += .seconds(1)
        scene.see(Scene.record())
        _ = scene.machine.see(
            lease: (Scene.record(holder: nil), LeaseVersion("old")), askedAt: .seconds(1000), at: scene.now)
        #expect(scene.presentRecord?.holder == Scene.b)
    }

    @Test("needs N − W + 1 answers", arguments: [(1, 3), (2, 2), (3, 1)])
    func quorum(writeQuorum: Int, needed: Int) {
        var scene = Scene { $0.writeQuorum = writeQuorum }
        #expect(scene.machine.settings.readQuorum == needed)
        scene.see(Scene.record(holder: nil))
        scene.local()
        for (answers, name) in [(1, "c"), (2, "b")] {
            if answers < needed {
                #expect(scene.candidacy == .blocked(.tooFewAnswers(answers, needed: needed)))
            }
            scene.peer(name)
        }
        guard case .take = scene.candidacy else {
            Issue.record("\(scene.candidacy)")
            return
        }
    }
}
