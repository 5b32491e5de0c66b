import Glibc
import LocalTopology
import Testing

@Suite("kv-local drill-lost-disk")
struct DrillTests {
    private static let servers = ["redis-master", "redis-slave-1", "redis-slave-2"]

    @Test("has every key on every server in the end, tells each step with its time, and leaves nothing behind")
    func bringsHome() async throws {
        let drill = try DrillRun(["--keys", "12345"])
        try await withLocalCluster(drill.spec) { cluster in
            #expect(try await cluster.waitUntilEnded("drill", within: .seconds(90)) == .exited(code: 0))
            let log = try await cluster.log(of: "drill")
            let counts = "Keys: " + Self.servers.map { "\($0) 12345" }.joined(separator: ", ")
            // Each at its place, and in this order.
            var rest = log[...]
            for step in [
                "Starting a master", "Writing 12345 keys", counts, "Killing redis-master (SIGKILL)",
                "with REDIS_ON_EMPTY=reseed", "  reseed: 127.0.0.2:", "  reseed: the data is restored",
                "redis-master is back", "Its replicas are connected", counts, "Writes were refused for ",
                "No key is missing", "Stopping everything.",
            ] {
                let place = try #require(rest.firstRange(of: step), "\(step) is not told, or too early: \(log)")
                rest = rest[place.upperBound...]
            }
            // One may meet the moment in which both replicas load what the master is not yet asked for.
            let reads = try #require(log.firstRange(of: "meanwhile of ")).upperBound
            let numbers = log[reads...].split(separator: " ").prefix(3).compactMap { Int($0) }
            #expect(numbers.count == 2 && numbers[0] > 20 && numbers[1] * 20 < numbers[0], "\(log)")
            for line in log.split(separator: "\n").dropLast() {
                let words = line.split(separator: " ")
                #expect(words.count > 2 && Double(words[0]) != nil && words[1] == "s", "without a time: \(line)")
            }
            try drill.expectNothingRuns()
        }
        #expect(try drill.entries() == [])
    }

    @Test("counts what is missing on each server, and ends with 1, where the master starts empty")
    func countsTheLoss() async throws {
        let drill = try DrillRun(["--keys", "700", "--on-empty", "start"])
        try await withLocalCluster(drill.spec) { cluster in
            #expect(try await cluster.waitUntilEnded("drill", within: .seconds(90)) == .exited(code: 1))
            let log = try await cluster.log(of: "drill")
            for server in Self.servers {
                #expect(log.contains("700 of 700 keys are missing on \(server)"), "\(log)")
            }
            #expect(!log.contains("No key is missing"))
            let kept = try #require(log.firstRange(of: "The logs are kept in ")).upperBound
            #expect(Harness.exists(log[kept...].prefix { $0 != "\n" } + "/redis-master.log"))
            try drill.expectNothingRuns()
        }
    }

    @Test(
        "leaves nothing behind when it is called off",
        arguments: ["Starting a master", "Writing", "Killing", "is attached", "redis-master is back"])
    func calledOff(at step: String) async throws {
        let drill = try DrillRun(["--keys", "20000"])
        try await withLocalCluster(drill.spec) { cluster in
            try await cluster.wait(until: "it tells \(step)", of: "drill", within: .seconds(90)) {
                let log = try await cluster.log(of: "drill")
                return Observation(log.contains(step), else: log)
            }
            #expect(try await cluster.terminate("drill") == .exited(code: 128 + SIGTERM))
            #expect(try await cluster.log(of: "drill").hasSuffix("Stopping everything.\n"))
            try drill.expectNothingRuns()
        }
        #expect(try drill.entries() == [])
    }

    @Test(
        "says what a value may be",
        arguments: [
            (["--keys", "0"], "--keys takes 1 to 10000000"), (["--keys", "many"], "invalid for '--keys"),
            (["--on-empty", "hold"], "'reseed' and 'start'"),
            (["--replicas", "0"], "--apps and --replicas take 1 to 9"),
        ])
    func badValue(arguments: [String], words: String) async throws {
        let drill = try DrillRun(arguments)
        try await withLocalCluster(drill.spec) { cluster in
            #expect(try await cluster.waitUntilEnded("drill") == .exited(code: 64))
            let log = try await cluster.log(of: "drill")
            #expect(log.contains(words), "\(log)")
        }
        #expect(try drill.entries() == [])
    }

    @Test("says that a port is taken, and names itself in the cure")
    func takenPort() async throws {
        let drill = try DrillRun([])
        let holder = NodeSpec.redis("holder", server: try Harness.redisServer, at: drill.endpoints[0])
        try await withLocalCluster(ClusterSpec([holder] + drill.spec.nodes)) { cluster in
            #expect(try await cluster.waitUntilEnded("drill") == .exited(code: 69))
            let log = try await cluster.log(of: "drill")
            #expect(log.contains("use other ports: make drill-lost-disk PORT="), "\(log)")
            #expect(log.contains(" REDIS_PORT=\(drill.endpoints[0].port + 10) "), "\(log)")
        }
    }
}

/// The command as a node of its own cluster, and where its own cluster will be.
private struct DrillRun {
    let folder: Scratch
    let spec: ClusterSpec
    /// The servers, the master first, the sidecars and the apps.
    let endpoints: [Endpoint]

    init(_ arguments: [String]) throws {
        folder = try Scratch()
        let ports = try Loopback.freePorts(3)
        let options = ["--port", "\(ports[0])", "--redis-port", "\(ports[1])", "--sidecar-port", "\(ports[2])"]
        spec = ClusterSpec([
            NodeSpec(
                name: "drill", executable: try Programs.built("kv-local"),
                arguments: ["drill-lost-disk"] + options + arguments,
                environment: ["TMPDIR": folder.path], endpoint: Endpoint(port: ports[0]),
                readiness: .running, isRedis: false)
        ])
        endpoints =
            (0...2).map { Endpoint(host: "127.0.0.\($0 + 1)", port: ports[1] + $0) }
            + (2...3).map { Endpoint(host: "127.0.0.\($0)", port: ports[2]) } + [Endpoint(port: ports[0])]
    }

    /// No process in its folders, and none at its ports.
    func expectNothingRuns(sourceLocation: SourceLocation = #_sourceLocation) throws {
        for endpoint in endpoints {
            #expect(throws: Never.self, sourceLocation: sourceLocation) { try Loopback.checkFree(endpoint) }
        }
        for name in try Self.names(in: "/proc") {
            var path = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = readlink("/proc/\(name)/cwd", &path, path.count)
            guard length > 0 else { continue }
            let workingFolder = String(decoding: path[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
            #expect(
                !workingFolder.hasPrefix(folder.path), "process \(name) runs in \(workingFolder)",
                sourceLocation: sourceLocation)
        }
    }

    /// What is left in the folder for temporary files.
    func entries() throws -> [String] { try Self.names(in: folder.path) }

    private static func names(in folder: String) throws -> [String] {
        let stream = try #require(opendir(folder))
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }
}
