import RedisCore
import ReplicaReconciler
import Testing

@Suite struct ReadinessBoundsTests {
    private static let now: Duration = .seconds(100)

    /// A reconciler that has looked at both, and the verdict on it.
    private func verdict(
        _ local: ServerInformation, _ bounds: ReadinessBounds = ReadinessBounds(),
        master: [(offset: Int64, secondsAgo: Int64)] = [], history: Character = "a"
    ) -> SidecarReadiness {
        var reconciler = Reconciler(Reconciler.Settings(configured: masterA))
        _ = reconciler.see(ObservedMaster.at(.master(.master())), at: Self.now)
        _ = reconciler.see(local, at: Self.now)
        var offsets = MasterOffsetHistory()
        for sample in master {
            let token = ReplicationToken(parsing: "\(id(history)):\(sample.offset)".utf8.span)
            if let token { offsets.record(token, atNanoseconds: (Self.now - .seconds(sample.secondsAgo)).nanoseconds) }
        }
        return bounds.verdict(on: reconciler, by: offsets, at: Self.now)
    }

    private func bounds(bytes: Int64? = nil, seconds: Int64? = nil, link: Bool = false) -> ReadinessBounds {
        var bounds = ReadinessBounds()
        bounds.maximumLagBytes = bytes
        bounds.maximumLagSeconds = seconds
        bounds.requiresLink = link
        return bounds
    }

    @Test func withoutBoundsItIsTheProbesRule() {
        #expect(verdict(.replica()).isReady)
        #expect(verdict(.master()).isReady)
        #expect(!verdict(.replica(isLoading: true)).isReady)
        #expect(!verdict(.replica(isUp: false, isSynchronising: true)).isReady)
        #expect(verdict(.replica(isUp: false)).isReady, "stale reads beat no reads")
        #expect(!verdict(.replica(isUp: false), bounds(link: true)).isReady)
    }

    @Test func bytesAreThoseOfTheMastersStream() {
        #expect(verdict(.replica(applied: 900), bounds(bytes: 100), master: [(1000, 1)]).isReady)
        let late = verdict(.replica(applied: 899), bounds(bytes: 100), master: [(1000, 1)])
        #expect(late == .judged(.notReady(.behind(bytes: 101, limit: 100))))
        #expect(verdict(.replica(applied: 899, isUp: false), bounds(bytes: 100), master: [(1000, 1)]).isReady)
        #expect(verdict(.replica(applied: 0), bounds(bytes: 100), master: [(1000, 6)]).isReady, "too long ago to tell")
        #expect(verdict(.replica(applied: 0), bounds(bytes: 100), master: [(1000, 1)], history: "b").isReady)
    }

    @Test func secondsAreProvenByWhatTheMasterHadThen() {
        let samples: [(offset: Int64, secondsAgo: Int64)] = [(800, 12), (900, 8), (1000, 1)]
        #expect(verdict(.replica(applied: 900), bounds(seconds: 10), master: samples).isReady)
        #expect(verdict(.replica(applied: 899), bounds(seconds: 10), master: samples) == .late(limitSeconds: 10))
        #expect(verdict(.replica(applied: 899, isUp: false), bounds(seconds: 10), master: samples).isReady)
    }

    @Test func aMasterThatIsNotSeenIsJudgedByItsLink() {
        #expect(verdict(.replica(silent: 10), bounds(seconds: 10)).isReady)
        let silent = verdict(.replica(silent: 11), bounds(seconds: 10), master: [(1000, 30)])
        #expect(silent == .judged(.notReady(.silentMaster(seconds: 11, limit: 10))))
    }

    @Test func aServerThatIsAwayIsNotReady() {
        var reconciler = Reconciler(Reconciler.Settings(configured: masterA))
        let bounds = ReadinessBounds()
        #expect(!bounds.verdict(on: reconciler, by: MasterOffsetHistory(), at: .zero).isReady)
        _ = reconciler.see(.replica(), at: .zero)
        _ = reconciler.lose("connection refused", at: .seconds(1))
        #expect(
            bounds.verdict(on: reconciler, by: MasterOffsetHistory(), at: .seconds(1))
                == .serverAway("connection refused"))
    }

    @Test func whatIsHeldIsNotReady() {
        var watch = Watch(masterB)
        _ = watch.lookOn(.replica(), .at(masterB, .master(.master("run-b", history: "b", offset: 0, keys: 0))))
        let verdict = ReadinessBounds().verdict(on: watch.reconciler, by: MasterOffsetHistory(), at: watch.now)
        #expect(!verdict.isReady)
        #expect("\(verdict)".contains("it is empty, and this replica holds 10 keys"))
    }
}
