import RedisCore
import ReplicaReconciler
import Testing

/// What a reconciler settles on, look by look: every reason to do nothing.
@Suite struct AssessmentTests {
    private func rest(
        _ local: ServerInformation, _ observation: ObservedMaster, configured: MasterAddress? = masterA
    ) -> Assessment.Rest? {
        var watch = Watch(configured)
        let actions = watch.lookOn(local, observation)
        #expect(actions.changes.isEmpty)
        return if case .settled(let rest) = watch.reconciler.state { rest } else { nil }
    }

    @Test func restsWhereNothingIsToBeDone() {
        #expect(rest(.replica(), .at(.master(.master()))) == .inStep)
        #expect(rest(.replica(isUp: false), .at(.master(.master(history: "b")))) == .redisConnects)
        #expect(rest(.replica(isUp: false, isSynchronising: true), .at(.master(.master()))) == .busy)
        #expect(rest(.replica(isLoading: true), .at(.master(.master()))) == .busy)
        #expect(rest(.master("run-r"), .at(.master(.master()))) == .isMaster)
        #expect(rest(.replica(), .at(.master(.master())), configured: nil) == .watchesOnly)
        #expect(rest(.replica(), .at(masterB, .master(.master()))) == .masterUnseen)
    }

    @Test func followsOnlyWhatProvesToBeOneMaster() {
        let local = ServerInformation.replica(of: masterB, replicas: ["10.0.0.9"])
        func rest(_ outcome: ObservedMaster.Outcome) -> Assessment.Rest? {
            self.rest(local, ObservedMaster(masterA, outcome))
        }
        func found(_ candidates: (String, ObservedMaster.Standing)...) -> ObservedMaster.Outcome {
            .found(candidates.map { ObservedMaster.Candidate($0.0, $0.1) })
        }
        #expect(rest(.unresolved("no such name")) == .masterUnresolved("no such name"))
        #expect(
            rest(found(("10.0.0.1", .replica(of: masterC))))
                == .noMaster(["10.0.0.1:6379 is a replica of redis-master-c:6379"]))
        #expect(
            rest(found(("10.0.0.1", .refuses("asks for a password"))))
                == .noMaster(["10.0.0.1:6379 asks for a password"]))
        #expect(rest(found(("10.0.0.1", .loading))) == .noMaster(["10.0.0.1:6379 is loading its data"]))
        #expect(rest(found(("10.0.0.1", .unreachable("is silent")))) == .noMaster(["10.0.0.1:6379 is silent"]))
        #expect(rest(found(("10.0.0.9", .replica(of: masterC)))) == .ourReplica)
        #expect(rest(found(("10.0.0.1", .master(.master("run-r"))))) == .ourselves)
        #expect(
            rest(found(("10.0.0.1", .master(.master("run-a"))), ("10.0.0.2", .master(.master("run-b")))))
                == .severalMasters(["10.0.0.1:6379", "10.0.0.2:6379"]))
    }

    @Test func oneServerAtSeveralAddressesIsOneMaster() {
        var watch = Watch()
        let observation = ObservedMaster(
            masterA,
            .found([
                .init("10.0.0.1", .master(.master())), .init("10.0.0.2", .master(.master())),
                .init("10.0.0.3", .unreachable("is silent")),
            ]))
        #expect(watch.lookOn(.replica(of: masterB), observation).changes.count == 1)
    }

    @Test func roleAndInformationHaveToAgree() {
        let master = ServerInformation.master()
        #expect(ObservedMaster.Standing(role: "master", master) == .master(master))
        #expect(ObservedMaster.Standing(role: "slave", .replica(of: masterC)) == .replica(of: masterC))
        #expect(ObservedMaster.Standing(role: "master", .master(isLoading: true)) == .loading)
        #expect(ObservedMaster.Standing(role: "sentinel", master) == .refuses("says that its role is 'sentinel'"))
        #expect(ObservedMaster.Standing(role: "master", .replica()) == .refuses("says that its role is 'master'"))
    }
}
