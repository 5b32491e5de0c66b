import RedisCore
import ReplicaReconciler
import Testing

@Suite("A data set is never replaced because of one observation through a Service's address")
struct MasterNodesTests {
    typealias Candidate = ObservedMaster.Candidate

    private let ours = ServerInformation.master("run-a")
    private let other = ServerInformation.master("run-b", history: "b")

    private func observation(_ master: ServerInformation, nodes: ObservedMaster.Nodes) -> ObservedMaster {
        ObservedMaster(masterA, .found([Candidate("10.96.0.1", .master(master))]), nodes: nodes)
    }

    private func state(_ observation: ObservedMaster, replica: ServerInformation = .replica()) -> Reconciler.State {
        var watch = Watch()
        _ = watch.lookOn(replica, observation)
        return watch.reconciler.state
    }

    private func isHeld(_ state: Reconciler.State) -> Bool { if case .held = state { true } else { false } }

    private func isActing(_ state: Reconciler.State) -> Bool { if case .acting = state { true } else { false } }

    @Test("two masters behind it are reported, whichever of them is observed")
    func twoMasters() {
        let nodes = ObservedMaster.Nodes.found([
            Candidate("10.0.0.1", .master(ours)), Candidate("10.0.0.2", .master(other)),
        ])
        for shown in [ours, other] {
            let state = state(observation(shown, nodes: nodes))
            guard case .settled(.severalMasters(let addresses)) = state else {
                Issue.record("\(state)")
                continue
            }
            #expect(addresses.count == 2 && addresses.allSatisfy { $0.hasSuffix(":6379") })
        }
    }

    @Test("two on one host are distinguished by their ports")
    func ports() {
        let nodes = ObservedMaster.Nodes.found([
            Candidate("127.0.0.1", port: 7001, .master(ours)), Candidate("127.0.0.1", port: 7002, .master(other)),
        ])
        let named = ObservedMaster(masterA, .found([Candidate("127.0.0.1", port: 7001, .master(ours))]), nodes: nodes)
        let words = "\(state(named))"
        #expect(words.contains("127.0.0.1:7001") && words.contains("127.0.0.1:7002"), "\(words)")
        // A replica on the host of the master's replica is no circle.
        let observation = ObservedMaster(masterA, .found([Candidate("10.0.0.9", port: 7001, .replica(of: masterB))]))
        guard case .settled(.noMaster) = state(observation, replica: .replica(replicas: ["10.0.0.9"])) else {
            Issue.record("\(state(observation, replica: .replica(replicas: ["10.0.0.9"])))")
            return
        }
    }

    @Test("a promoted replica is reported where there is another master, and stays a master")
    func promoted() {
        let promoted = ServerInformation.master("run-r", history: "r")
        func alone(_ nodes: ObservedMaster.Nodes) -> Assessment.Rest? {
            if case .settled(let rest) = state(observation(ours, nodes: nodes), replica: promoted) { rest } else { nil }
        }
        let both = ObservedMaster.Nodes.found([
            Candidate("10.0.0.1", .master(ours)), Candidate("10.0.0.7", .master(promoted)),
        ])
        let rest = alone(both)
        #expect(rest == .isMasterBeside(["10.0.0.1:6379"]))
        #expect(rest?.isAlarm == true && rest?.code == "several-masters")
        #expect("\(rest!)".contains("both take writes"))
        #expect(alone(.notAsked) == .isMaster && Assessment.Rest.isMaster.isAlarm == false)
        // The old one is gone: the name leads to this one.
        let itself = ObservedMaster.Nodes.found([Candidate("10.0.0.7", .master(promoted))])
        #expect(state(observation(promoted, nodes: itself), replica: promoted) == .settled(.isMaster))
    }

    @Test("another data set is followed where it is the only one, and that was seen")
    func onlyOne() {
        let nodes = ObservedMaster.Nodes.found([
            Candidate("10.0.0.2", .master(other)), Candidate("10.0.0.3", .replica(of: masterA)),
        ])
        #expect(isActing(state(observation(other, nodes: nodes))))
        #expect(isActing(state(observation(other, nodes: .notAsked))), "no Service stands between")
    }

    @Test(
        "else the change is blocked, and says what could not be seen",
        arguments: [
            (.unresolved("no such name"), "no such name"), (.found([]), "not among those"),
            (.found([Candidate("10.0.0.1", .unreachable("is silent"))]), "10.0.0.1:6379 is silent"),
            (.found([Candidate("10.0.0.1", .loading)]), "10.0.0.1:6379 is loading its data"),
            (.found([Candidate("10.0.0.1", .placeholder)]), "10.0.0.1:6379 has its data restored"),
            (.found([Candidate("10.0.0.1", .refuses("asks for a password"))]), "asks for a password"),
        ] as [(ObservedMaster.Nodes, String)])
    func unseen(nodes: ObservedMaster.Nodes, words: String) {
        var all = nodes
        if case .found(let candidates) = nodes, !candidates.isEmpty {
            all = .found(candidates + [Candidate("10.0.0.2", .master(other))])
        }
        let state = state(observation(other, nodes: all))
        guard case .held(_, let comparison) = state else {
            Issue.record("\(state)")
            return
        }
        #expect("\(comparison)".contains(words), "\(comparison)")
        #expect(comparison.isLoss)
    }

    @Test("a fail-over that continues the data, and a replica without keys, need no confirmation")
    func nothingReplaced() {
        let promoted = ServerInformation.master("run-b", history: "b", second: ("a", 2000))
        #expect(isActing(state(observation(promoted, nodes: .unresolved("no such name")))))
        #expect(isActing(state(observation(other, nodes: .unresolved("no such name")), replica: .replica(keys: 0))))
    }

    @Test("the old master that comes back is behind, as the replica went on with the promoted one")
    func oldMaster() {
        var replica = ServerInformation.replica(history: "b", applied: 5000)
        replica.replication.secondReplicationID = id("a")
        replica.replication.secondOffset = 3001
        let state = state(observation(.master("run-a", history: "a", offset: 9000), nodes: .notAsked), replica: replica)
        guard case .held(_, let comparison) = state else {
            Issue.record("\(state)")
            return
        }
        #expect(comparison == .behind(bytes: 2000))
    }

    @Test("a master at one of the addresses alone is not at the configured name")
    func onlyListed() {
        let observation = ObservedMaster(
            masterA, .found([Candidate("10.96.0.1", .unreachable("is silent"))]),
            nodes: .found([Candidate("10.0.0.2", .master(other))]))
        guard case .settled(.noMaster) = state(observation) else {
            Issue.record("\(state(observation))")
            return
        }
    }
}
