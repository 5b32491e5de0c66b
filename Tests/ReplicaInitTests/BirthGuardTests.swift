import RedisConf
import ReplicaInit
import Testing

/// A data folder as a table: path → bytes. What is longer than its bytes says so.
struct TableData: DataFiles {
    var table: [String: [UInt8]]
    var sizes: [String: Int] = [:]

    func size(ofFile path: [UInt8]) -> Int? { sizes[text(path)] ?? table[text(path)]?.count }

    func prefix(ofFile path: [UInt8], count: Int) throws(FileProblem) -> [UInt8] {
        guard let found = table[text(path)] else { throw .missing }
        if found == bytes("denied") { throw .denied }
        return Array(found.prefix(count))
    }
}

enum RDB {
    static func string(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + bytes(text) }
    static func auxiliary(_ name: String, _ value: [UInt8]) -> [UInt8] { [0xFA] + string(name) + value }
    static let id = "c29d1cdb26ed1a5c5266913d861394744a47049d"
    static let checksum: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

    /// As 7.0 writes it: 32-bit and 8-bit integers among the AUX fields.
    static let head =
        bytes("REDIS0010") + auxiliary("redis-ver", string("7.0.15")) + auxiliary("redis-bits", [0xC0, 0x40])
        + auxiliary("ctime", [0xC2, 1, 2, 3, 4])
    static let history =
        auxiliary("repl-stream-db", [0xC0, 0]) + auxiliary("repl-id", string(id))
        + auxiliary("repl-offset", string("4321"))
    static let keys: [UInt8] = [0xFE, 0, 0xFB, 1, 0, 0] + string("k") + string("v")
    static let empty = head + [0xFF] + checksum
    static let full = head + history + keys + [0xFF] + checksum
}

@Suite("The beginning of an RDB")
struct RDBHeaderTests {
    @Test("tells whose history it is, how far it goes and whether a key follows")
    func full() throws {
        let header = try #require(RDBHeader(RDB.full))
        #expect(header.hasKeys)
        #expect(header.replicationID == RDB.id)
        #expect(header.replicationOffset == 4321)
    }

    @Test("of a server without keys ends after the AUX fields, and says where")
    func empty() throws {
        let header = try #require(RDBHeader(RDB.empty))
        #expect(!header.hasKeys)
        #expect(header.length == RDB.empty.count)
        #expect(header.replicationID == nil)
    }

    @Test("may give the offset as any integer, hold functions, and be Valkey's")
    func forms() throws {
        for (encoded, number) in [([0xC0, 0x7F], 127), ([0xC1, 0x00, 0x10], 4096), ([0xC2, 0, 0, 0, 0x40], 1 << 30)]
            as [([UInt8], Int64)]
        {
            let header = RDBHeader(bytes("VALKEY080") + RDB.auxiliary("repl-offset", encoded) + [0xFF])
            #expect(header?.replicationOffset == number)
        }
        #expect(RDBHeader(RDB.head + [0xF5] + RDB.string("#!lua name=l") + [0xFF])?.hasKeys == false)
        #expect(
            RDBHeader(RDB.head + [0xFA, 3] + bytes("abc") + [0xC3, 2, 5, 0, 0, 0xFF])?.hasKeys == false, "compressed")
    }

    @Test("is not taken for one where it breaks off or is something else")
    func broken() {
        for end in 0..<(RDB.head.count + RDB.history.count) {
            #expect(RDBHeader(Array(RDB.full.prefix(end))) == nil, "\(end) bytes")
        }
        for other in [
            "", "REDIS", "REDIS00x1\u{FA}", "*2\r\n$6\r\nSELECT\r\n", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        ] {
            #expect(RDBHeader(bytes(other)) == nil)
        }
        #expect(
            RDBHeader(RDB.head + [0xFA, 0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]) == nil, "absurd length")
    }

    @Test("random bytes behind the magic are read or refused, never a trap")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let tail = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                [0xFA, 0xFF, 0xF5, 0xFE, 0xC0, 0xC3, 0x80, 0x81, 3, 0, UInt8.random(in: 0...255)].randomElement()!
            }
            _ = RDBHeader(bytes("REDIS0011") + tail)
        }
    }
}

@Suite("What a master will load")
struct MasterDataTests {
    private func data(
        _ table: [String: [UInt8]], appendOnly: Bool = false, sizes: [String: Int] = [:]
    ) -> MasterData {
        var settings = DataSettings(folder: bytes("/data"))
        settings.isAppendOnly = appendOnly
        return MasterData(settings, files: TableData(table: table, sizes: sizes))
    }

    private func isEmpty(_ data: MasterData) -> Bool {
        if case .empty(let reason) = data { return !reason.isEmpty }
        return false
    }

    @Test("without append-only file is its RDB")
    func rdb() {
        #expect(isEmpty(data([:])))
        #expect(isEmpty(data(["/data/lost+found/x": [1]])))
        #expect(isEmpty(data(["/data/dump.rdb": RDB.empty])))
        #expect(
            data(["/data/dump.rdb": RDB.full])
                == .snapshot(path: bytes("/data/dump.rdb"), replicationID: RDB.id, offset: 4321))
        #expect(data(["/data/dump.rdb": RDB.head + RDB.keys]) == .undated(path: bytes("/data/dump.rdb")))
        #expect(data(["/data/dump.rdb": bytes("garbage")]) == .unreadable(path: bytes("/data/dump.rdb"), nil))
        #expect(data(["/data/dump.rdb": []]) == .unreadable(path: bytes("/data/dump.rdb"), nil))
        #expect(data(["/data/dump.rdb": bytes("denied")]) == .unreadable(path: bytes("/data/dump.rdb"), .denied))
    }

    @Test("with a new append-only file is nothing, even beside an RDB")
    func newAppendOnly() {
        let new = data(["/data/dump.rdb": RDB.full], appendOnly: true)
        guard case .empty(let reason) = new else {
            Issue.record("\(new)")
            return
        }
        #expect(reason.contains("/data/dump.rdb is not loaded with appendonly yes"))
    }

    @Test("with the single file of 6.x is that file, RDB preamble or not")
    func singleFile() {
        let path = "/data/appendonly.aof"
        #expect(isEmpty(data([path: []], appendOnly: true)))
        #expect(isEmpty(data([path: RDB.empty], appendOnly: true)))
        for file in [RDB.full, RDB.empty + bytes("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"), bytes("*3\r\n$3\r\nSET\r\n")] {
            #expect(data([path: file], appendOnly: true) == .undated(path: bytes(path)))
        }
    }

    @Test("with the files of 7.0 is what the manifest lists, history left out")
    func manifest() {
        let folder = "/data/appendonlydir/appendonly.aof"
        let manifest = """
            file appendonly.aof.2.base.rdb seq 2 type b
            file appendonly.aof.1.incr.aof seq 1 type h
            file "appendonly.aof.2.incr.aof" seq 2 type i

            """
        var table: [String: [UInt8]] = [
            folder + ".manifest": bytes(manifest), folder + ".2.base.rdb": RDB.empty, folder + ".2.incr.aof": [],
        ]
        #expect(isEmpty(data(table, appendOnly: true)))
        #expect(
            data(table, appendOnly: true, sizes: [folder + ".2.incr.aof": 1 << 40]) != data(table, appendOnly: true))
        table[folder + ".2.incr.aof"] = bytes("*1\r\n")
        #expect(data(table, appendOnly: true) == .undated(path: bytes(folder + ".2.incr.aof")))
        table[folder + ".2.base.rdb"] = nil
        #expect(data(table, appendOnly: true) == .unreadable(path: bytes(folder + ".2.base.rdb"), .missing))
        table[folder + ".manifest"] = bytes("file x\n")
        #expect(data(table, appendOnly: true) == .unreadable(path: bytes(folder + ".manifest"), nil))
    }
}

@Suite("The birth guard")
struct BirthGuardTableTests {
    typealias Sighting = BirthGuard.Sighting

    static let empty = MasterData.empty(reason: "dump.rdb does not exist")
    static let behind = MasterData.snapshot(path: bytes("dump.rdb"), replicationID: "id", offset: 10)

    static func replica(keys: Int, id: String = "id", second: String? = nil, offset: Int64 = 20) -> Sighting {
        .replica(.init(keys: keys, replicationID: id, secondReplicationID: second, offset: offset))
    }

    enum Outcome { case start, ask, hold, reseed }

    static let unknowns: [Sighting] = [
        .silent(reason: "no answer"), .loading, .unauthenticated(reason: "password"), .notPlain,
    ]

    private func outcome(
        _ data: MasterData, _ sightings: [Sighting], policy: BirthGuard.Policy = .hold,
        resolution: BirthGuard.Resolution = .found, elapsed: Int = 0
    ) -> Outcome {
        let guardian = BirthGuard(data: data, policy: policy, timeoutSeconds: 60)
        let named = sightings.enumerated().map { (address: "10.0.0.\($0):6379", sighting: $1) }
        switch guardian.verdictWithoutAsking ?? guardian.verdict(resolution, named, elapsedSeconds: elapsed) {
        case .start: return .start
        case .askAgain: return .ask
        case .reseed: return .reseed
        case .hold(let reasons):
            #expect(!reasons.isEmpty)
            return .hold
        }
    }

    @Test("starts where nobody has anything to lose")
    func nothingToLose() {
        for data in [Self.empty, Self.behind] {
            #expect(outcome(data, [], resolution: .unknown) == .start)
            #expect(outcome(data, []) == .start)
            #expect(outcome(data, [.refused, .refused]) == .start)
            #expect(outcome(data, [Self.replica(keys: 0), .refused]) == .start)
        }
    }

    @Test("holds an empty master before a replica with keys, however the others look")
    func emptyMaster() {
        #expect(outcome(Self.empty, [Self.replica(keys: 1)]) == .hold)
        #expect(outcome(Self.empty, [Self.replica(keys: 0), .refused, Self.replica(keys: 1)]) == .hold)
        for unknown in Self.unknowns { #expect(outcome(Self.empty, [unknown, Self.replica(keys: 1)]) == .hold) }
    }

    @Test("holds a master that is behind in the same history only")
    func behindMaster() {
        #expect(outcome(Self.behind, [Self.replica(keys: 1, offset: 11)]) == .hold)
        #expect(outcome(Self.behind, [Self.replica(keys: 1, offset: 10)]) == .start, "in step")
        #expect(outcome(Self.behind, [Self.replica(keys: 1, offset: 9)]) == .start, "ahead")
        #expect(outcome(Self.behind, [Self.replica(keys: 1, id: "new", second: "id")]) == .hold)
        #expect(
            outcome(Self.behind, [Self.replica(keys: 1, id: "new", second: "other")]) == .start, "not to be compared")
    }

    @Test("asks the unknown again until its time is over, then holds")
    func unknown() {
        for unknown in Self.unknowns {
            #expect(outcome(Self.empty, [unknown], elapsed: 59) == .ask)
            #expect(outcome(Self.empty, [unknown], elapsed: 60) == .hold)
            #expect(outcome(Self.empty, [unknown], policy: .wait, elapsed: 9999) == .ask)
        }
        #expect(outcome(Self.empty, [], resolution: .unavailable(reason: "try again"), elapsed: 1) == .ask)
        #expect(outcome(Self.empty, [], resolution: .unavailable(reason: "try again"), elapsed: 60) == .hold)
    }

    @Test("waits instead of holding where it is told to, and asks nobody where it is told to start")
    func policies() {
        #expect(outcome(Self.empty, [Self.replica(keys: 1)], policy: .wait) == .ask)
        #expect(outcome(Self.empty, [Self.replica(keys: 0)], policy: .wait) == .start)
        #expect(outcome(Self.empty, [Self.replica(keys: 1)], policy: .start) == .start)
    }

    @Test("says what it cannot tell, and starts")
    func undated() {
        for data in [MasterData.undated(path: bytes("a.aof")), .unreadable(path: bytes("dump.rdb"), .denied)] {
            let verdict = BirthGuard(data: data, policy: .hold, timeoutSeconds: 60).verdictWithoutAsking
            guard case .start(let note?) = verdict else {
                Issue.record("\(String(describing: verdict))")
                continue
            }
            #expect(note.contains("cannot be"))
        }
    }
}

@Suite("The birth guard's settings")
struct GuardSettingsTests {
    private func settings(
        _ environment: [String: String], arguments: [String] = [], file: String = ""
    ) throws -> GuardSettings? {
        var start = Start(file: file)
        start.environment = ["REDIS_REPLICATION_MODE": "master"].merging(environment) { $1 }
        start.arguments = arguments
        return try start.plan().birthGuard
    }

    @Test("ask redis-slave-nodes by themselves in Kubernetes, nobody elsewhere, and on a replica nobody at all")
    func whom() throws {
        #expect(try settings([:]) == nil)
        let peers = try settings(["KUBERNETES_SERVICE_HOST": "10.96.0.1"])?.peers
        #expect(peers?.map { text($0.host) } == ["redis-slave-nodes"])
        #expect(peers?.map(\.port) == [6379])
        let named = try settings([
            "REDIS_SLAVE_NODES_HOST": "a, 10.0.0.1:7000,[fd00::2]:7001,fd00::3", "REDIS_SLAVE_SERVICE_PORT": "6380",
        ])?.peers
        #expect(named?.map { text($0.host) } == ["a", "10.0.0.1", "fd00::2", "fd00::3"])
        #expect(named?.map(\.port) == [6380, 7000, 7001, 6380])
        let replica = ["REDIS_REPLICATION_MODE": "replica", "REDIS_MASTER_HOST": "m", "REDIS_SLAVE_NODES_HOST": "a"]
        #expect(try settings(replica) == nil)
    }

    @Test("know what redis-server will load: the file, then the arguments")
    func data() throws {
        let file = "appendonly yes\nappenddirname aof\ndbfilename d.rdb\n"
        let data = try settings(
            ["REDIS_SLAVE_NODES_HOST": "a", "REDIS_DATA_DIR": "/data", "REDIS_EXTRA_FLAGS": "--dbfilename e.rdb"],
            arguments: ["--", "--appendonly", "no"], file: file)?.data
        #expect(data?.isAppendOnly == false)
        #expect(data.map { text($0.rdbName) } == "e.rdb")
        #expect(data.map { text($0.appendFolderName) } == "aof")
        #expect(data.map { text($0.folder) } == "/data")
    }

    @Test("take policy and time from options before variables, and refuse what cannot be meant")
    func policy() throws {
        let peer = ["REDIS_SLAVE_NODES_HOST": "a"]
        #expect(try settings(peer)?.policy == .hold)
        #expect(try settings(peer.merging(["REDIS_ON_EMPTY": "wait"]) { $1 })?.policy == .wait)
        #expect(
            try settings(peer.merging(["REDIS_ON_EMPTY": "wait"]) { $1 }, arguments: ["--on-empty=hold"])?.policy
                == .hold)
        #expect(try settings(peer, arguments: ["--on-empty", "start"]) == nil)
        #expect(try settings(peer, arguments: ["--guard-timeout=5"])?.timeoutSeconds == 5)
        for (environment, arguments) in [
            (["REDIS_ON_EMPTY": "perhaps"], []), ([:], ["--on-empty=perhaps"]), (["REDIS_GUARD_TIMEOUT": "1m"], []),
            ([:], ["--guard-timeout", "-1"]), ([:], ["--on-empty"]),
        ] as [([String: String], [String])] {
            #expect(throws: PlanError.self) { try settings(peer.merging(environment) { $1 }, arguments: arguments) }
        }
    }

    @Test("log in as a replica would, else with the master's own password")
    func credentials() throws {
        let peer = ["REDIS_SLAVE_NODES_HOST": "a"]
        #expect(try settings(peer)?.credentials == nil)
        let own = try settings(peer.merging(["REDIS_PASSWORD": "own"]) { $1 })?.credentials
        #expect(own.map { text($0.password) } == "own")
        let masters = try settings(
            peer.merging(["REDIS_PASSWORD": "own", "REDIS_MASTER_PASSWORD": "peer", "REDIS_MASTER_USER": "u"]) { $1 })
        #expect(masters?.credentials.map { text($0.password) } == "peer")
        #expect(masters?.credentials?.user.map(text) == "u")
    }
}

@Suite("A name in the pod's own namespace")
struct NamespaceSearchTests {
    static let pod =
        "nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local corp.example\n"

    static let rows: [(host: String, file: String, localDomain: String?, name: String?)] = [
        ("nodes", pod + "options ndots:5\n", nil, "nodes.shop.svc.cluster.local."),
        ("nodes", "search\tshop.svc.cluster.local.\tcluster.local", nil, "nodes.shop.svc.cluster.local."),
        ("nodes", "domain shop.svc.cluster.local\n", nil, "nodes.shop.svc.cluster.local."),
        ("nodes", "search corp.example\n" + pod, nil, "nodes.shop.svc.cluster.local."),
        ("nodes", pod + "search\nsearch  \ndomain\n", nil, "nodes.shop.svc.cluster.local."),
        (
            "nodes", pod + "#search a.svc.b\n;domain a.svc.b\n search a.svc.b\nsearching a.svc.b\n", nil,
            "nodes.shop.svc.cluster.local."
        ),
        ("nodes", pod, "other.svc.cluster.local cluster.local", "nodes.other.svc.cluster.local."),
        ("nodes", "search Shop.SVC.Example\n", nil, "nodes.Shop.SVC.Example."),
        ("nodes", "search shop.svc\n", nil, "nodes.shop.svc."),
        // The first domain alone counts, and only where it is a namespace's.
        ("nodes", "search corp.example shop.svc.cluster.local\n", nil, nil),
        ("nodes", "search svc.cluster.local\n", nil, nil),
        ("nodes", pod + "search corp.example\n", nil, nil),
        ("nodes", pod, "corp.example", nil),
        ("nodes", "search .\n", nil, nil),
        ("nodes", "search shop..svc\n", nil, nil),
        ("nodes", "search shop.svc.clu\u{0}ster\n", nil, nil),
        ("nodes", "nameserver 10.96.0.10\n", nil, nil),
        ("nodes", "", nil, nil),
        // Nothing to be completed.
        ("nodes.shop", pod, nil, nil),
        ("nodes.", pod, nil, nil),
        ("10.0.0.1", pod, nil, nil),
        ("fd00::1", pod, nil, nil),
        ("", pod, nil, nil),
        (String(repeating: "n", count: 240), pod, nil, nil),
    ]

    @Test("is completed by the first domain of the search list", arguments: rows.indices)
    func names(index: Int) {
        let row = Self.rows[index]
        let search = NamespaceSearch(localDomain: row.localDomain.map(bytes))
        #expect(search.absoluteName(of: bytes(row.host), resolverFile: bytes(row.file)).map(text) == row.name)
    }

    @Test("is looked for in Kubernetes only")
    func kubernetes() throws {
        func settings(_ environment: [String: String]) throws -> GuardSettings? {
            var start = Start()
            start.environment = ["REDIS_REPLICATION_MODE": "master"].merging(environment) { $1 }
            return try start.plan().birthGuard
        }
        #expect(try settings(["REDIS_SLAVE_NODES_HOST": "nodes"])?.namespace == nil)
        let pod = ["KUBERNETES_SERVICE_HOST": "10.96.0.1"]
        #expect(try settings(pod)?.namespace == NamespaceSearch())
        #expect(
            try settings(pod.merging(["LOCALDOMAIN": "a.svc.b"]) { $1 })?.namespace
                == NamespaceSearch(localDomain: bytes("a.svc.b")))
    }
}
