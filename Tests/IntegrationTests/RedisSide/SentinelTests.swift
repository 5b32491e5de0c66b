import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// A real Sentinel fails over, as in a system that runs one; the app does not ask the Sentinel.
@Suite("A fail-over by Sentinel is followed")
struct SentinelTests {
    private static let name = "kv"

    /// One Sentinel that decides alone, soon.
    static func sentinel(_ server: FilePath, watching master: Endpoint) throws -> NodeSpec {
        let endpoint = Endpoint(host: "127.0.0.9", port: try Loopback.freePorts(1, host: "127.0.0.9")[0])
        return .sentinel("sentinel", server: server, at: endpoint, watching: master, as: name, quorum: 1)
    }

    @Test(
        "the master dies, and comes back: as a second one for a moment, then as a replica",
        arguments: Set([RedisServer.representatives.first, RedisServer.representatives.last]).compactMap(\.self)
            .sorted())
    func failOver(server: String) async throws {
        let system = try DirectCluster(server: FilePath(server), loops: 2)
        let sentinel = try Self.sentinel(FilePath(server), watching: system.master.endpoint)
        let nodes = [system.master] + system.replicas + [sentinel, system.app]
        try await withLocalCluster(ClusterSpec(nodes)) { cluster in
            try await cluster.store("k", "old", on: system.replicas)
            try await cluster.wait(untilServersUp: 3)
            try await cluster.wait(until: "Sentinel knows the replicas", of: "sentinel", within: .seconds(30)) {
                let reply = try await cluster.redis("sentinel", "SENTINEL", "MASTER", Self.name)
                guard case .array(let fields) = reply else { return Observation(false, else: "\(reply)") }
                let texts = fields.map { $0.text ?? "" }
                let count = texts.firstIndex(of: "num-slaves").map { texts[$0 + 1] }
                return Observation(count == "2", else: "\(texts)")
            }
            try await cluster.kill("master")
            try await cluster.wait(
                untilServed: .set(#"{"key":"k","value":"new"}"#), within: .seconds(30))
            let promoted = try #require(
                try await system.replicas.asyncFirst { try await cluster.info($0.name)["role"] == "master" })
            #expect(try await cluster.redis(promoted.name, "GET", "k").text == "new")
            // Sentinel makes the old master a replica once it is back.
            try await cluster.start("master")
            try await cluster.wait(
                untilReadinessSays: #"{"endpoint":"\#(system.master.endpoint)","state":"up"}"#, within: .seconds(40))
            try await cluster.wait(untilServersUp: 3, within: .seconds(40))
            let every = [system.master] + system.replicas.filter { $0.name != promoted.name }
            for round in 0..<10 { try await cluster.store("k", "new-\(round)", on: every) }
            let topology = try await cluster.http("app", .get("/v1/topology"))[0].text
            #expect(topology.contains(#""master":{"endpoint":"\#(promoted.endpoint)""#), "\(topology)")
            #expect(topology.contains(#""verdict":{"state":"ok","writes":{"accepted":true"#), "\(topology)")
        }
    }
}

extension Array {
    fileprivate func asyncFirst(where holds: (Element) async throws -> Bool) async rethrows -> Element? {
        for element in self where try await holds(element) { return element }
        return nil
    }
}
