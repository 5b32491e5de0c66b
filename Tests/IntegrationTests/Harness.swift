import LocalTopology
import SystemPackage
import Testing

/// A master and a replica of it, started directly from the machine's redis-server.
struct Pair {
    let master: NodeSpec
    let replica: NodeSpec

    init(masterLines: [String] = []) throws {
        let server = try Harness.redisServer
        let ports = try Loopback.freePorts(2)
        let masterEndpoint = Endpoint(port: ports[0])
        master = .redis("master", server: server, at: masterEndpoint, lines: masterLines)
        replica = .redis(
            "replica", server: server, at: Endpoint(host: "127.0.0.2", port: ports[1]), replicaOf: masterEndpoint)
    }

    var spec: ClusterSpec { ClusterSpec([master, replica]) }
}

enum Harness {
    static var redisServer: FilePath {
        get throws { try Programs.installed("redis-server", package: "redis-server") }
    }

    /// What a stopped cluster must not have left.
    struct Traces {
        var processes: [Int32]
        var folder: String
        var endpoints: [Endpoint]
    }

    static func traces(of cluster: LocalCluster) async throws -> Traces {
        var processes: [Int32] = []
        for node in cluster.spec.nodes { processes.append(try await cluster.processIdentifier(of: node.name)) }
        return Traces(
            processes: processes, folder: cluster.folder, endpoints: cluster.spec.nodes.map(\.endpoint))
    }

    static func expectNothingLeft(of traces: Traces, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for process in traces.processes {
            #expect(!Programs.isAlive(process), "process \(process) runs", sourceLocation: sourceLocation)
        }
        #expect(!exists(traces.folder), "\(traces.folder) is left", sourceLocation: sourceLocation)
        for endpoint in traces.endpoints {
            #expect(throws: Never.self, sourceLocation: sourceLocation) { try Loopback.checkFree(endpoint) }
        }
    }

    static func exists(_ path: String) -> Bool {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly) else { return false }
        try? file.close()
        return true
    }
}
