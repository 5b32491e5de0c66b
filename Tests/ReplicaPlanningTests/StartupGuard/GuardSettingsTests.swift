import RedisConf
import ReplicaPlanning
import Testing

@Suite("The startup guard's settings")
struct GuardSettingsTests {
    private func settings(
        _ environment: [String: String], arguments: [String] = [], file: String = ""
    ) throws -> GuardSettings? {
        var start = Start(file: file)
        start.environment = ["REDIS_REPLICATION_MODE": "master"].merging(environment) { $1 }
        start.arguments = arguments
        return try start.plan().startupGuard
    }

    @Test("ask redis-slave-nodes by default in Kubernetes, no name elsewhere, and are absent on a replica")
    func whom() throws {
        #expect(try settings([:])?.peers == [], "its own files are judged all the same")
        let standalone = ["REDIS_REPLICATION_MODE": "standalone", "KUBERNETES_SERVICE_HOST": "x"]
        #expect(try settings(standalone)?.peers == [])
        #expect(try settings(["REDIS_ON_EMPTY": "start"]) == nil)
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
            return try start.plan().startupGuard
        }
        #expect(try settings(["REDIS_SLAVE_NODES_HOST": "nodes"])?.namespace == nil)
        let pod = ["KUBERNETES_SERVICE_HOST": "10.96.0.1"]
        #expect(try settings(pod)?.namespace == NamespaceSearch())
        #expect(
            try settings(pod.merging(["LOCALDOMAIN": "a.svc.b"]) { $1 })?.namespace
                == NamespaceSearch(localDomain: bytes("a.svc.b")))
    }
}
