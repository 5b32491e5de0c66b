import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

extension SidecarHTTPTests {
    @Test(
        "a disk that hangs under the secret and the record holds up no answer", .enabled(if: HungMount.isPossible))
    func hangingDisk() async throws {
        let scratch = try Scratch()
        let secret = try scratch.write("disk/password", "secret\n".utf8)
        let pair = try Pair()
        try await withLocalCluster(pair.spec) { servers in
            var node = try SidecarProgramTests.sidecar(at: Endpoint(port: try Loopback.freePorts(1)[0]))
            node.environment["SIDECAR_REDIS"] = "\(pair.replica.endpoint)"
            node.environment["REDIS_MASTER_SERVICE_HOST"] = pair.master.endpoint.host
            node.environment["REDIS_MASTER_SERVICE_PORT"] = "\(pair.master.endpoint.port)"
            node.environment["REDIS_MASTER_RECORD_FILE"] = scratch["disk/master-record"]
            node.environment["REDIS_MASTER_PASSWORD_FILE"] = secret
            node.environment["SIDECAR_SOCKET"] = scratch["sidecar.sock"]
            try await withLocalCluster(ClusterSpec([node])) { cluster in
                try await cluster.wait(untilStatusOf: "sidecar", says: #""state": "in-step""#)
                let disk = try HungMount(at: scratch["disk"])
                defer { disk.end() }
                // Another life of the server is another record.
                try await servers.restart("replica")
                let process = try await cluster.processIdentifier(of: "sidecar")
                // One thread reads the secret, another one writes the record, and neither returns.
                try await cluster.wait(until: "two threads hang", of: "sidecar") {
                    let threads = Scratch.names(inFolder: "/proc/\(process)/task")
                    let calls = threads.map { Self.text("/proc/\(process)/task/\($0)/wchan") }
                    // One waits for the disk, the other may wait for the folder that the first one reads.
                    let hanging = calls.filter { !$0.contains("poll") && !$0.contains("futex") && $0.count > 1 }
                    let isOfDisk = calls.contains { $0.contains("fuse") }
                    return Observation(isOfDisk && hanging.count >= 2, else: "\(calls)")
                }
                try await cluster.wait(untilStatusOf: "sidecar", says: #""link": "up""#)
                for path in ["/livez", "/readyz", "/status", "/metrics"] {
                    for _ in 0..<20 {
                        let answer = try await cluster.http("sidecar", .get(path))[0]
                        #expect(answer.status == 200, "\(path): \(answer.text)")
                    }
                }
                // The server is still looked at.
                let key = "\(UInt64.random(in: 0 ... .max))"
                _ = try await servers.redis("master", "SET", key, "v")
                try await cluster.wait(untilStatusOf: "sidecar", says: #""keys": 1"#)
                #expect(try await cluster.terminate("sidecar") == .exited(code: 0), "it ends all the same")
            }
        }
    }

    private static func text(_ file: String) -> String {
        String(decoding: (try? Scratch.read(file)) ?? [], as: UTF8.self)
    }
}
