import RedisCore
import ReplicaReconciler
import Testing

@Suite("A server is kept with the master that Sentinel names")
struct SentinelFollowerTests {
    /// A follower and a clock.
    private struct Scene {
        var follower: SentinelFollower
        var now: Duration = .seconds(100)

        init(isDryRun: Bool = false) { follower = SentinelFollower(isDryRun: isDryRun) }

        /// One observation of everything; the named server answers as given.
        mutating func look(
            _ local: ServerInformation?, named: SentinelVerdict, is standing: ObservedMaster.Standing? = nil,
            isFailingOver: Bool = false, after: Duration = .seconds(1)
        ) -> SentinelFollower.Action? {
            now += after
            follower.see(local, askedAt: now)
            follower.see(named, isFailingOver: isFailingOver, at: now)
            let action = follower.step(at: now)
            guard case .lookAt(let address) = action, let standing else { return action }
            follower.see(standing, at: address, askedAt: now)
            return follower.step(at: now)
        }
    }

    private static func named(_ address: MasterAddress, _ epoch: UInt64, isMajority: Bool = true) -> SentinelVerdict {
        .master(SentinelMaster(address, epoch: epoch), isMajority: isMajority)
    }

    private static let a = ServerInformation.master("run-a")
    private static let b = ServerInformation.master("run-b", history: "b")

    private static func move(_ epoch: UInt64, before: MasterAddress?) -> SentinelFollower.Action {
        .perform(.init(master: SentinelMaster(masterB, epoch: epoch), masterRunID: "run-b", before: before))
    }

    /// A scene whose server Sentinel named with epoch 1.
    private func leading(isDryRun: Bool = false) -> Scene {
        var scene = Scene(isDryRun: isDryRun)
        #expect(scene.look(Self.a, named: Self.named(masterA, 1), is: .master(Self.a)) == nil)
        #expect(scene.follower.state == .leads(SentinelMaster(masterA, epoch: 1)))
        return scene
    }

    @Test("a master that was named and is replaced follows the new one at the first observation")
    func leaves() {
        var scene = leading()
        #expect(
            scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b), isFailingOver: true)
                == Self.move(2, before: nil))
        #expect(scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b)) == nil)
        scene.follower.performed(nil, at: scene.now)
        // What it said before that is old.
        scene.follower.see(Self.a, askedAt: scene.now - .milliseconds(1))
        #expect(scene.follower.step(at: scene.now) == nil)
        let replica = ServerInformation.replica(of: masterB, history: "b", runID: "run-a")
        #expect(scene.look(replica, named: Self.named(masterB, 2)) == nil)
        #expect(scene.follower.state == .follows(SentinelMaster(masterB, epoch: 2)))
    }

    @Test(
        "as long as the new one is no master, the old one stays as it is, and looks again",
        arguments: [
            ObservedMaster.Standing.replica(of: masterA), .loading, .unreachable("is away"), .placeholder,
            .refuses("no"),
        ])
    func awaits(standing: ObservedMaster.Standing) {
        var scene = leading()
        for _ in 0..<100 {
            #expect(scene.look(Self.a, named: Self.named(masterB, 2), is: standing, after: .seconds(3)) == nil)
            #expect(["awaits-master", "unusable-master"].contains(scene.follower.state.code))
        }
        #expect(
            scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b), after: .seconds(3))
                == Self.move(2, before: nil))
    }

    @Test(
        "a master that was replaced by one that cannot be asked is an alarm after ten seconds, with what to do",
        arguments: [
            (ObservedMaster.Standing.unreachable("does not answer"), "can be reached"),
            (.refuses("asks for a password"), "REDIS_MASTER_PASSWORD"), (.replica(of: masterA), "logs of Sentinel"),
        ])
    func unusable(standing: ObservedMaster.Standing, cure: String) {
        var scene = leading()
        func look(_ scene: inout Scene, _ standing: ObservedMaster.Standing, _ master: MasterAddress = masterB) {
            #expect(scene.look(Self.a, named: Self.named(master, 2), is: standing) == nil)
        }
        for _ in 0..<10 {
            look(&scene, standing)
            #expect(scene.follower.state.code == "awaits-master" && !scene.follower.state.isAlarm)
        }
        for _ in 0..<10 {
            look(&scene, standing)
            #expect(scene.follower.state.code == "unusable-master" && scene.follower.state.isAlarm)
        }
        #expect("\(scene.follower.state)".contains(cure), "\(scene.follower.state)")
        // Another one that is named has its own time.
        look(&scene, standing, MasterAddress(host: "10.0.0.99", port: 6379))
        #expect(!scene.follower.state.isAlarm)
        for _ in 0..<11 { look(&scene, standing) }
        #expect(scene.follower.state.isAlarm)
        #expect(
            scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b), after: .seconds(3))
                == Self.move(2, before: nil))
        #expect(!scene.follower.state.isAlarm)
    }

    @Test(
        "a server that reads or restores its data is waited for, however long",
        arguments: [
            ObservedMaster.Standing.loading, .placeholder,
        ])
    func patient(standing: ObservedMaster.Standing) {
        var scene = leading()
        for _ in 0..<100 {
            #expect(scene.look(Self.a, named: Self.named(masterB, 2), is: standing) == nil)
            #expect(scene.follower.state.code == "awaits-master")
        }
    }

    @Test("a minority for lack of a right says which one")
    func forbidden() {
        var scene = leading()
        var named = SentinelMaster(masterB, epoch: 2)
        named.isMajorityForbidden = true
        #expect(scene.look(Self.a, named: .master(named, isMajority: false), is: .master(Self.b)) == nil)
        #expect("\(scene.follower.state)".contains("grant +sentinel|ckquorum to it"), "\(scene.follower.state)")
    }

    @Test(
        "a replica that Sentinel promotes is left alone until Sentinel names it, however often it was a master before")
    func promoted() {
        var scene = leading()
        let replica = ServerInformation.replica(of: masterB, history: "b", runID: "run-a")
        #expect(scene.look(replica, named: Self.named(masterB, 2)) == nil)
        // Promoted again, and Sentinel names the other one for a moment, which is still a master.
        for _ in 0..<60 {
            #expect(
                scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b), isFailingOver: true) == nil)
        }
        for _ in 0..<3 { #expect(scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b)) == nil) }
        #expect(scene.look(Self.a, named: Self.named(masterA, 3), is: .master(Self.a)) == nil)
        #expect(scene.follower.state == .leads(SentinelMaster(masterA, epoch: 3)))
    }

    @Test("a master that Sentinel never named, as one that came back, follows after a while")
    func cameBack() {
        var scene = Scene()
        var actions: [SentinelFollower.Action?] = []
        for _ in 0..<6 { actions.append(scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b))) }
        #expect(actions == [nil, nil, nil, nil, Self.move(2, before: nil), nil])
    }

    @Test("a replica of another master is pointed to the named one at the second observation")
    func replica() {
        var scene = Scene()
        let replica = ServerInformation.replica(of: masterA, runID: "run-r")
        #expect(scene.look(replica, named: Self.named(masterB, 2), is: .master(Self.b)) == nil)
        #expect(
            scene.look(replica, named: Self.named(masterB, 2), is: .master(Self.b)) == Self.move(2, before: masterA))
    }

    @Test("a replica that has the history of the one that is named is with it, under another name")
    func sameHistory() {
        var scene = Scene()
        let replica = ServerInformation.replica(of: masterA, history: "b", runID: "run-r")
        for _ in 0..<10 { #expect(scene.look(replica, named: Self.named(masterB, 2), is: .master(Self.b)) == nil) }
        #expect(scene.follower.state.code == "follows")
    }

    private static let doubts: [SentinelVerdict] = [
        .unknown(.asking), .unknown(.noneReached(["s"])), .unknown(.unknownName([])), .unknown(.noneNamed(["s"])),
        .unknown(.masterDown(SentinelMaster(masterB, epoch: 2), flags: ["s_down"])),
        .unknown(.contradiction([masterA, masterB], epoch: 2)), .unknown(.olderEpoch(1, seen: 2)),
        named(masterB, 2, isMajority: false),
    ]

    @Test("while it is unknown whom Sentinel names, or a minority says it, nothing is changed", arguments: doubts)
    func unknown(verdict: SentinelVerdict) {
        var scene = leading()
        for _ in 0..<100 { #expect(scene.look(Self.a, named: verdict, is: .master(Self.b)) == nil) }
        var other = Scene()
        let replica = ServerInformation.replica(of: masterA, runID: "run-r")
        for _ in 0..<100 { #expect(other.look(replica, named: verdict, is: .master(Self.b)) == nil) }
    }

    @Test("a server with keys is not pointed at a master without any")
    func empty() {
        var scene = leading()
        let empty = ServerInformation.master("run-b", history: "b", keys: 0)
        for _ in 0..<10 { #expect(scene.look(Self.a, named: Self.named(masterB, 2), is: .master(empty)) == nil) }
        #expect(scene.follower.state == .empty(SentinelMaster(masterB, epoch: 2), keys: 10))
        #expect(scene.follower.state.isAlarm)
    }

    @Test("what fails is tried again after five seconds; a dry run does nothing; a server that is away is not moved")
    func failure() {
        var scene = leading()
        #expect(scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b)) == Self.move(2, before: nil))
        scene.follower.performed("it says no", at: scene.now)
        #expect(scene.follower.state.code == "failed")
        for _ in 0..<4 { #expect(scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b)) == nil) }
        #expect(scene.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b)) == Self.move(2, before: nil))
        var dry = leading(isDryRun: true)
        for _ in 0..<10 { #expect(dry.look(Self.a, named: Self.named(masterB, 2), is: .master(Self.b)) == nil) }
        #expect(dry.follower.state.code == "rehearsed")
        var away = leading()
        for _ in 0..<10 { #expect(away.look(nil, named: Self.named(masterB, 2), is: .master(Self.b)) == nil) }
        #expect(away.follower.state == .serverAway)
    }
}
