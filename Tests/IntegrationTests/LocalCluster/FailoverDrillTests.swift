import LocalTopology
import Testing

/// The command of people who try the automatic fail-over on one machine, as they run it.
@Suite("kv-local drill-failover")
struct FailoverDrillTests {
    @Test("moves, kills and freezes the leader: no planned change fails a write, and none is lost in silence")
    func drill() async throws {
        let folder = try Scratch()
        let ports = try Loopback.freePorts(5)
        let names = ["--port", "--redis-port", "--sidecar-port", "--etcd-port"]
        let options = zip(names, ports).flatMap { [$0, "\($1)"] }
        let node = NodeSpec(
            name: "drill", executable: try Programs.built("kv-local"),
            arguments: ["drill-failover", "--rounds", "1", "--apps", "2"] + options,
            environment: ["TMPDIR": folder.path], endpoint: Endpoint(port: ports[0]), readiness: .running,
            isRedis: false)
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            let ending = try await cluster.waitUntilEnded("drill", within: .seconds(300))
            let log = try await cluster.log(of: "drill")
            #expect(ending == .exited(code: 0), "\(log)")
            for event in ["planned change", "node ended (SIGTERM)"] {
                let row = try #require(log.split(separator: "\n").first { $0.hasPrefix("| \(event) |") }, "\(log)")
                let cells = row.split(separator: "|").map { $0.filter { $0 != " " } }
                // Writes, failed, unknown.
                #expect(cells[5] == "0" && cells[6] == "0" && cells[4] != "0", "\(row)")
            }
            for event in ["redis-server killed", "whole node killed", "agent frozen"] {
                #expect(log.contains("| \(event) | 1 |"), "\(log)")
            }
            #expect(log.contains(": 0 are missing, 0 of them are told"), "\(log)")
            print(log)
        }
    }
}
