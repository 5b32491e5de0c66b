import Hiredis
import LocalTopology
import Synchronization

/// A master, two replicas and one app of two event loops, with enough data that loading and synchronising take a while.
struct FailureSystem {
    static let replicas = ["replica-1", "replica-2"]
    static let app = "app-1"
    static let servers = ["master"] + replicas

    let spec: ClusterSpec
    let appEndpoint: Endpoint
    let masterEndpoint: Endpoint
    /// Where the app finds the master.
    let masterName: LoopbackProxy
    /// Nothing listens here.
    let nowhere: Endpoint

    init() throws {
        let system = try KeyValueCluster(apps: 1)
        var master = system.master
        // With an fsync under way, everysec puts off write(2) by up to two seconds, and what it puts off does not survive a
        // kill (redis/redis src/aof.c, flushAppendOnlyFile). Without an fsync every acknowledged write is in the page cache.
        master.arguments += ["--appendfsync", "no"]
        var app = system.apps[0]
        app.arguments += ["--event-loops", "2"]
        masterName = try LoopbackProxy(to: [master.endpoint])
        app.environment["REDIS_MASTER_SERVICE_HOST"] = masterName.endpoint.host
        app.environment["REDIS_MASTER_SERVICE_PORT"] = "\(masterName.endpoint.port)"
        spec = ClusterSpec([master] + system.replicas + [app])
        appEndpoint = app.endpoint
        masterEndpoint = master.endpoint
        nowhere = Endpoint(host: "127.0.0.9", port: try Loopback.freePorts(1, host: "127.0.0.9")[0])
    }

    /// Gives every key of the load a value, and the servers something to load.
    func fill(_ cluster: LocalCluster) async throws -> WriteLedger {
        try await cluster.wait(untilReplicasOf: "master", are: 2)
        let script = "for i = 1, 100000 do redis.call('SET', 'filler:' .. i, i) end"
        let filled = try await cluster.redis("master", "EVAL", script, "0", timeout: .seconds(20))
        precondition(filled == .null, "\(filled)")
        var ledger = WriteLedger()
        for key in 0..<NamedValue.keyCount {
            let counter = ledger.nextCounter(of: key)
            let value = NamedValue.bytes(key: key, counter: counter)
            let set = try await cluster.redis(
                "master", "SET", NamedValue.keys[key], String(decoding: value, as: UTF8.self))
            precondition(set.text == "OK", "\(set)")
            ledger.acknowledge(counter, of: key)
        }
        try await cluster.wait(untilReplicasOf: "master", are: 2)
        return ledger
    }
}

extension LocalCluster {
    /// Waits until the app has its connections to a server: one an event loop.
    ///
    /// A server that was stopped finds connections in its backlog that the app has given up; they are gone at the next check.
    nonisolated func wait(untilAppIsConnectedTo server: String) async throws {
        let lastLook = Mutex(Set<String>())
        try await wait(until: "the app is connected to \(server) again", of: server) {
            let look = try await self.connections(to: server)
            let both = lastLook.withLock { last in
                defer { last = look }
                return last.intersection(look)
            }
            return Observation(both.count >= 2, else: "\(both.count) connections")
        }
    }

    /// The identifiers of a server's clients; our own is different each time.
    private nonisolated func connections(to server: String) async throws -> Set<String> {
        let list = try await redis(server, "CLIENT", "LIST", "TYPE", "normal").text ?? ""
        return Set(list.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) })
    }
}
