import SeededRandomness
import Testing

@testable import Failover

@Suite("A process that stood still")
struct OldObservationTests {
    /// Frozen, or on a machine that was paused.
    private static let pause = Duration.seconds(120)

    private static func acts(_ actions: [FailoverMachine.Action]) -> Bool {
        actions.contains { action in
            switch action {
            case .writeLease, .promote, .takeWrites, .publish, .follow, .pauseWrites: true
            case .readLease, .askPeers, .askForAgreement, .fence, .resumeWrites, .tell: false
            }
        }
    }

    @Test("takes no lease by what it saw before, until store, server and nodes have answered again")
    func takesNothing() {
        var scene = Scene()
        scene.see(Scene.record(holder: nil))
        scene.everybodyAnswers()
        scene.now += Self.pause
        let first = scene.machine.tick(at: scene.now)
        #expect(!Self.acts(first) && first.contains(.readLease) && first.contains(.askPeers))
        #expect(scene.machine.block == .leaseUnknown)
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

    @Test("creates no lease by an answer from before that there is none")
    func createsNothing() {
        var scene = Scene()
        scene.see(nil)
        scene.everybodyAnswers()
        scene.now += Self.pause
        scene.local()
        scene.peer("c")
        #expect(scene.candidacy == .blocked(.leaseUnknown))
    }

    @Test("follows no leader that it knew before, unless that one says that it leads while the store is away")
    func followsNobody() {
        var scene = Scene()
        scene.see(Scene.record())
        scene.now += Self.pause
        scene.local(.replica(of: nil, isLinkUp: false))
        let first = scene.machine.tick(at: scene.now)
        #expect(!Self.acts(first))
        let agrees = scene.machine.agrees(to: Scene.b, term: 3, at: scene.now)
        #expect(agrees)
        let next = scene.machine.tick(at: scene.now)
        #expect(next.contains(.follow("b", term: 3)))
        var other = Scene()
        other.see(Scene.record())
        other.local(.replica(of: nil, isLinkUp: false))
        other.now += Self.pause
        other.storeAnswersAgain()
        let stale = other.machine.tick(at: other.now)
        #expect(!Self.acts(stale), "its own server may follow by now")
        other.local(.replica(of: nil, isLinkUp: false))
        let fresh = other.machine.tick(at: other.now)
        #expect(fresh.contains(.follow("b", term: 3)))
    }

    @Test("no longer says that it may take writes, before any tick")
    func leader() {
        var scene = Scene.leading()
        #expect(scene.machine.mayTakeWrites(at: scene.now))
        scene.now += Self.pause
        #expect(!scene.machine.mayTakeWrites(at: scene.now))
        let actions = scene.machine.tick(at: scene.now)
        #expect(actions.first == .fence(.leaseRanOut) && !Self.acts(actions))
    }

    @Test("hands over to no node by what that one said before")
    func switchover() {
        var scene = Scene.leading()
        scene.peer("c", .replica(of: "a", isLinkUp: true), Scene.position)
        for second in 1...6 {
            scene.now += .seconds(1)
            if second > 1 { scene.renew() }
        }
        guard case .tell(.switchoverFailed)? = scene.machine.switchOver(to: "c", at: scene.now).first else {
            Issue.record("\(scene.machine.state)")
            return
        }
    }

    /// Everything that a node may have seen, in any order, and then a long silence.
    @Test("does nothing but ask and fence in its first tick, whatever it saw before")
    func seeded() {
        var random = SplitMix64(seed: 19)
        func pick<T>(_ choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
        var waited = 0
        for _ in 0..<20_000 {
            var scene = pick([true, false]) ? Scene() : Scene.leading()
            for _ in 0..<(random.next() % 12) {
                switch random.next() % 6 {
                case 0:
                    scene.see(
                        Scene.record(holder: pick([nil, Scene.a, Scene.b, Scene.c]), successor: pick([nil, "a"])))
                case 1: scene.local(.replica(of: pick([nil, "b", "c"]), isLinkUp: pick([true, false])))
                case 2: scene.peer(pick(["b", "c"]), pick([.away, .replica(of: "a", isLinkUp: true)]))
                case 3: scene.storeAnswersAgain()
                case 4: _ = scene.machine.tick(at: scene.now)
                default: scene.now += .milliseconds(Int64(random.next() % 3000))
                }
            }
            // What goes on from before is bounded by the lease itself.
            let isBefore: Bool
            switch scene.machine.state {
            case .following, .leading: isBefore = false
            case .taking, .promoting, .recording, .handingOver, .fencing, .releasing: isBefore = true
            }
            guard !isBefore else { continue }
            waited += 1
            scene.now += Self.pause
            let actions = scene.machine.tick(at: scene.now)
            #expect(!Self.acts(actions), "\(actions)")
        }
        #expect(waited > 5000)
    }
}
