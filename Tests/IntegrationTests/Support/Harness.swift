import Glibc
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

    /// A folder for one test, which other users may pass through: Redis runs as one.
    final class TemporaryFolder: Sendable {
        let path: String

        init() throws {
            var name = Array(
                "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/kv-local-test-XXXXXX".utf8CString)
            try #require(mkdtemp(&name) != nil)
            path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            try #require(chmod(path, 0o711) == 0)
        }

        deinit { rmdir(path) }

        func entries() throws -> [String] {
            let stream = try #require(opendir(path))
            defer { closedir(stream) }
            var names: [String] = []
            while let entry = readdir(stream) {
                names.append(
                    withUnsafeBytes(of: &entry.pointee.d_name) {
                        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                    })
            }
            return names.filter { $0 != "." && $0 != ".." }
        }
    }

    static func exists(_ path: String) -> Bool {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly) else { return false }
        try? file.close()
        return true
    }
}
