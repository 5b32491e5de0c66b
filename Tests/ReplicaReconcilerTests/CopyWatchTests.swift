import RedisCore
import Testing

@testable import ReplicaReconciler

@Suite("Full copies that fail")
struct CopyWatchTests {
    private var watch = CopyWatch()
    private static let linked = ServerInformation.replica()
    private static let between = ServerInformation.replica(applied: 1, keys: 0, isUp: false, linkState: "handshake")
    private static let lost = ServerInformation.replica(isUp: false, linkState: "connect")

    private static func copying(_ bytes: Int64? = nil) -> ServerInformation {
        var server = ServerInformation.replica(
            applied: 1, keys: 0, isUp: false, isSynchronising: true, linkState: "sync")
        server.fields["master_sync_read_bytes"] = bytes.map(String.init)
        return server
    }

    private static func isAlarm(_ looks: [ServerInformation], every interval: Duration = .seconds(1)) -> Bool {
        var watch = CopyWatch()
        for (index, look) in looks.enumerated() { watch.see(look, at: interval * index) }
        return watch.isAlarm
    }

    @Test("are an alarm once two were seen, or one after which nothing came for ten seconds")
    func fails() {
        #expect(Self.isAlarm([Self.linked, Self.copying(), Self.between, Self.copying(), Self.between]))
        #expect(!Self.isAlarm([Self.linked, Self.copying(), Self.between, Self.copying()]))
        #expect(!Self.isAlarm([Self.linked] + Array(repeating: Self.between, count: 10)))
        #expect(Self.isAlarm([Self.linked] + Array(repeating: Self.between, count: 11)))
        #expect(Self.isAlarm([Self.copying(100), Self.copying(20), Self.copying(10)]), "each began from the start")
    }

    @Test("are an alarm where every observation finds a whole copy under way, and it came again each time")
    func repeats() {
        func look(_ index: Int, bytes: Int64 = 209, each: Int64) -> ServerInformation {
            var server = Self.copying(bytes)
            server.fields["total_net_repl_input_bytes"] = "\(1000 + Int64(index) * each)"
            return server
        }
        #expect(Self.isAlarm((0..<6).map { look($0, each: 215) }))
        #expect(!Self.isAlarm((0..<5).map { look($0, each: 215) }))
        #expect(
            !Self.isAlarm((0..<60).map { look($0, each: 1) }), "a master that keeps its replica waiting sends line ends"
        )
        #expect(!Self.isAlarm((0..<60).map { look($0, bytes: 0, each: 100_000) }), "the stream of a second connection")
        #expect(!Self.isAlarm((0..<60).map { look($0, bytes: Int64($0 + 1) * 500, each: 506) }), "one copy that grows")
    }

    @Test("are none while one copy grows, however long it takes, or waits for its master")
    func grows() {
        #expect(!Self.isAlarm([Self.between] + (0..<600).map { Self.copying($0 * 1000) }))
        #expect(!Self.isAlarm(Array(repeating: Self.copying(0), count: 600)))
        #expect(!Self.isAlarm(Array(repeating: Self.copying(), count: 600)))
    }

    @Test("are none where only the link is lost, or a start loads")
    func other() {
        #expect(!Self.isAlarm([Self.linked] + Array(repeating: Self.lost, count: 600)))
        let loading = ServerInformation.replica(isUp: false, isLoading: true)
        #expect(!Self.isAlarm([loading, Self.lost, loading, Self.lost, loading, Self.lost]))
        #expect(!Self.isAlarm(Array(repeating: .master(), count: 20)))
        // Started a moment ago, and its master is not there yet: no keys, and no place in its stream.
        var fresh = Self.between
        fresh.replication.masterLink?.downSeconds = -1
        #expect(!Self.isAlarm(Array(repeating: fresh, count: 600)))
    }

    /// A master that has been asked for so many full copies, and how many replicas wait at it.
    private static func source(_ requests: Int64, waiting: Int = 1, runID: String = "run-a") -> ServerInformation {
        var master = ServerInformation.master(runID)
        master.fields["sync_full"] = "\(requests)"
        master.replication.replicas = (0..<waiting).map {
            .init(address: "10.0.0.\($0)", port: 6379, state: "wait_bgsave", offset: 0, lagSeconds: 0)
        }
        return master
    }

    private static let waiting = ServerInformation.replica(applied: 0, isUp: false, linkState: "handshake")

    /// Observes both every two seconds.
    private static func watch(_ sources: [ServerInformation], _ local: ServerInformation = waiting) -> CopyWatch {
        var watch = CopyWatch()
        for (index, source) in sources.enumerated() {
            watch.see(local, at: .seconds(2 * index))
            watch.see(source: source, at: .seconds(2 * index))
        }
        return watch
    }

    @Test("before their first byte are an alarm within 30 s, found by the master's count of requests")
    func beforeFirstByte() {
        // A diskless copy every six seconds, as a master with repl-diskless-sync-delay 5 begins it.
        let everySixSeconds = (0..<13).map { Self.source(Int64($0 / 3) + 1) }
        #expect(Self.watch(everySixSeconds).isAlarm)
        #expect(Self.watch(everySixSeconds).failsBeforeFirstByte)
        // Ten a second, found copying at every observation, with no byte.
        let fast = (0..<9).map { Self.source(Int64($0) * 20) }
        #expect(Self.watch(fast, Self.copying(0)).isAlarm)
        #expect(Self.watch(fast, Self.copying()).isAlarm, "6.x says no count")
        // Two replicas fail together: each attempt of ours is two requests.
        #expect(!Self.watch((0..<13).map { Self.source(Int64($0 / 7) * 2 + 2, waiting: 2) }).isAlarm)
        #expect(Self.watch((0..<13).map { Self.source(Int64($0 / 3) * 2 + 2, waiting: 2) }).isAlarm)
    }

    @Test("are none where others begin to copy, one copy is waited for, or the master begins again to count")
    func waits() {
        #expect(!Self.watch(Array(repeating: Self.source(1), count: 600)).isAlarm)
        // All replicas of a cluster are started one after the other.
        #expect(!Self.watch((0..<20).map { Self.source(Int64($0) + 1, waiting: $0 + 1) }).isAlarm)
        // The first request is seen to come: it is the attempt that is under way.
        #expect(!Self.watch([Self.source(0, waiting: 0)] + Array(repeating: Self.source(1), count: 60)).isAlarm)
        #expect(!Self.watch((0..<20).map { Self.source(1, runID: "run-\($0)") }).isAlarm, "a master that restarts")
        #expect(!Self.watch((0..<20).map { Self.source(Int64(20 - $0)) }).isAlarm)
        // Bytes come: an attempt before them is over.
        var watch = CopyWatch()
        for index in 0..<30 {
            watch.see(Self.copying(Int64(index + 1) * 1000), at: .seconds(index))
            watch.see(source: Self.source(Int64(index / 10) + 1), at: .seconds(index))
        }
        #expect(!watch.isAlarm)
        // A link that is up needs no copy, even if others ask for one.
        #expect(!Self.watch((0..<20).map { Self.source(Int64($0) * 10) }, Self.linked).isAlarm)
        #expect(!Self.watch((0..<20).map { Self.source(Int64($0) * 10) }, Self.lost).isAlarm, "nothing answers it")
    }

    @Test("that are over before each observation are searched for more often, and found")
    func between() {
        let rising = (0..<8).map { Self.source(Int64($0), waiting: 0) }
        var watch = Self.watch(rising, Self.lost)
        #expect(watch.wantsCloserLooks && !watch.isAlarm)
        #expect(watch.isBetweenAttempts && !watch.isWaiting)
        // One attempt is found. From then on, the requests that the source counts are those of this replica.
        watch.see(Self.copying(), at: .seconds(15))
        watch.see(Self.lost, at: .seconds(16))
        for index in 0..<10 {
            watch.see(Self.lost, at: .seconds(17 + 2 * index))
            watch.see(source: Self.source(Int64(10 + index), waiting: 0), at: .seconds(17 + 2 * index))
        }
        #expect(watch.isAlarm)

        var calm = Self.watch(rising, Self.lost)
        calm.see(Self.lost, at: .seconds(24))
        #expect(!calm.wantsCloserLooks, "nothing was counted for ten seconds")
        #expect(!Self.watch(Array(repeating: Self.source(3, waiting: 0), count: 8), Self.lost).wantsCloserLooks)
    }

    @Test("are counted without an overflow, with any numbers from a master")
    func hostile() {
        for numbers in [[.min, .max, .min, .max], [0, .max, .max, .max], [-1, 0, .max], [.max, .min]] as [[Int64]] {
            _ = Self.watch(numbers.map { Self.source($0) }).failedAttempts
        }
        #expect(
            Self.watch([Self.source(0), .master(), Self.source(.max)]).failedAttempts == 0, "one look says no count")
    }

    @Test("say the master's reason and the cure, once, and never a connect that hangs")
    func reason() throws {
        var watch = Watch()
        var master = Self.source(0)
        master.fields["valkey_version"] = "9.1.2"
        master.databases[0].keysWithExpiringItems = 3
        var replica = Self.waiting
        replica.fields["valkey_version"] = "8.1.4"
        var events: [Reconciler.Event] = []
        for index in 0..<20 {
            // It is seen in the instant of a connect, too.
            replica.linkState = index % 3 == 0 ? "connecting" : "handshake"
            master.fields["sync_full"] = "\(index)"
            events += watch.look(replica, .at(.master(master))).events
            let address = try #require(watch.reconciler.awaitedSource)
            events += watch.reconciler.see(source: master, at: address, now: watch.now).events
        }
        let told = events.filter { if case .copiesFail = $0 { true } else { false } }
        #expect(told.count == 1)
        for words in ["3 keys with hash fields that expire", "9.1.2", "8.1.4", "Upgrade this server", "HPERSIST"] {
            #expect("\(told[0])".contains(words), "\(told)")
        }
        #expect(!events.contains { if case .suspects = $0 { true } else { false } }, "\(events)")
        // Another reason, of a server of the same version.
        replica.fields["valkey_version"] = "9.1.2"
        master.fields["rdb_last_bgsave_status"] = "err"
        _ = watch.look(replica, .at(.master(master)))
        _ = watch.reconciler.see(source: master, at: try #require(watch.reconciler.awaitedSource), now: watch.now)
        #expect("\(watch.reconciler.alarms)".contains("rdb_last_bgsave_status:err"))
        #expect(watch.look(Self.linked, .at(.master(master))).events.contains(.copiesWork))
    }

    @Test("are over once the link is up, the server is another one, or it was promoted")
    func over() {
        for end in [Self.linked, .replica(applied: 1, isUp: false, runID: "run-2"), .master()] {
            let failed = [Self.copying(), Self.between, Self.copying(), Self.between]
            #expect(Self.isAlarm(failed))
            #expect(!Self.isAlarm(failed + [end]))
        }
    }

    @Test("a reconciler tells it in every state, with both versions and the cure")
    func told() throws {
        for configured in [masterA, nil] {
            var watch = Watch(configured)
            var master = ServerInformation.master("run-b", history: "b")
            master.fields["valkey_version"] = "9.1.2"
            var events: [Reconciler.Event] = []
            for look in [Self.linked, Self.copying(), Self.between, Self.copying(), Self.between] {
                var look = look
                look.fields["redis_version"] = "7.0.15"
                let isEmptied = look.keys == 0
                look.replication.masterLink?.lostItsData = isEmptied
                events += watch.look(look, .at(.master(master))).events
            }
            let told = try #require(events.last { if case .copiesFail = $0 { true } else { false } })
            #expect(told.severity == .error)
            for words in ["7.0.15", "9.1.2", "Upgrade replicas before the master", "is not ready"] {
                #expect("\(told)".contains(words), "\(told)")
            }
            #expect(watch.reconciler.alarms.count == 1)
            #expect(watch.look(Self.linked, .at(.master(.master()))).events.contains(.copiesWork))
            #expect(watch.reconciler.alarms.isEmpty)
        }
    }
}
