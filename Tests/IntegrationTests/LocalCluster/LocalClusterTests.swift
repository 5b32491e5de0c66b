import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A local cluster")
struct LocalClusterTests {
    @Test("replicates, and leaves no process, file or port behind when it is stopped")
    func replicatesAndLeavesNothing() async throws {
        let traces = try await withLocalCluster(try Pair().spec) { cluster in
            try await cluster.wait(untilReplicasOf: "master", are: 1)
            let set = try await cluster.redis("master", "SET", "key_1", "value_1")
            #expect(set.text == "OK")
            try await cluster.wait(until: "the replica has the write", of: "replica") {
                let reply = try await cluster.redis("replica", "GET", "key_1")
                return Observation(reply.text == "value_1", else: "\(reply)")
            }
            return try await Harness.traces(of: cluster)
        }
        try Harness.expectNothingLeft(of: traces)
    }

    @Test("never runs Redis as root")
    func neverRoot() async throws {
        try await withLocalCluster(try Pair().spec) { cluster in
            for name in ["master", "replica"] {
                var information = stat()
                let process = try await cluster.processIdentifier(of: name)
                #expect(stat("/proc/\(process)", &information) == 0)
                #expect(information.st_uid != 0, "\(name)")
            }
        }
    }

    @Test("keeps a killed node's data for its next life")
    func killAndStart() async throws {
        let pair = try Pair(masterLines: ["appendonly yes", "appendfsync always"])
        try await withLocalCluster(pair.spec) { cluster in
            _ = try await cluster.redis("master", "SET", "key_1", "value_1")
            let first = try await cluster.processIdentifier(of: "master")
            try await cluster.kill("master")
            #expect(await !cluster.isRunning("master"))
            #expect(!Programs.isAlive(first))
            await #expect(throws: LocalTopologyError.notRunning(node: "master")) {
                try await cluster.kill("master")
            }
            try await cluster.start("master")
            #expect(try await cluster.redis("master", "GET", "key_1").text == "value_1")
        }
    }

    @Test("restarts a node as a new process that links up again")
    func restart() async throws {
        try await withLocalCluster(try Pair().spec) { cluster in
            let first = try await cluster.processIdentifier(of: "replica")
            try await cluster.restart("replica")
            #expect(try await cluster.processIdentifier(of: "replica") != first)
            #expect(try await cluster.info("replica")["master_link_status"] == "up")
        }
    }

    @Test("terminates a node in order")
    func terminate() async throws {
        try await withLocalCluster(try Pair().spec) { cluster in
            let ending = try await cluster.terminate("replica")
            #expect(ending == .exited(code: 0))
            #expect(try await cluster.log(of: "replica").contains("ready to exit"))
        }
    }

    @Test("has a paused node answer nothing until it is resumed")
    func pauseAndResume() async throws {
        try await withLocalCluster(try Pair().spec) { cluster in
            try await cluster.pause("master")
            await #expect(throws: (any Error).self) {
                try await cluster.redis("master", "PING", timeout: .milliseconds(100))
            }
            try await cluster.resume("master")
            try await cluster.waitUntilUp("master")
        }
    }

    @Test("stops everything when the body throws")
    func bodyThrows() async throws {
        struct Failure: Error {}
        let (found, report) = AsyncStream.makeStream(of: Harness.Traces.self)
        await #expect(throws: Failure.self) {
            try await withLocalCluster(try Pair().spec) { cluster in
                report.yield(try await Harness.traces(of: cluster))
                throw Failure()
            }
        }
        report.finish()
        for await traces in found { try Harness.expectNothingLeft(of: traces) }
    }

    @Test("stops everything, a paused node too, when its task is cancelled")
    func cancelled() async throws {
        let (found, report) = AsyncStream.makeStream(of: Harness.Traces.self)
        let task = Task {
            try await withLocalCluster(try Pair().spec) { cluster in
                try await cluster.pause("replica")
                report.yield(try await Harness.traces(of: cluster))
                try await cluster.wait(until: "the test cancels us", within: .seconds(60)) { .notYet("it has not") }
            }
        }
        for await traces in found {
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try Harness.expectNothingLeft(of: traces)
            break
        }
    }

    @Test("reports a node that ended without being asked to")
    func unexpectedEnding() async throws {
        try await withLocalCluster(try Pair().spec) { cluster in
            try await cluster.terminate("replica")
            kill(try await cluster.processIdentifier(of: "master"), SIGKILL)
            for await death in cluster.unexpectedEndings {
                #expect(death.node == "master")
                #expect(death.ending == .signaled(SIGKILL))
                #expect(!death.log.lines.isEmpty)
                break
            }
        }
    }

    @Test("reports a wait in vain with the condition, what was seen instead, and the log's tail")
    func timeOut() async throws {
        try await withLocalCluster(try Pair().spec) { cluster in
            let error = await #expect(throws: LocalTopologyError.self) {
                try await cluster.wait(untilReplicasOf: "master", are: 7, within: .milliseconds(100))
            }
            let message = "\(try #require(error))"
            #expect(message.contains("waiting until master lists 7 replicas online; last seen: connected_slaves 1"))
            #expect(message.contains("\(cluster.folder)/master.log ends with:\n  "))
            #expect(message.contains("Ready to accept connections") || message.contains("Synchronization with replica"))
        }
    }

    @Test("reports a node that ends while it starts at once, with what it said")
    func diesAtStart() async throws {
        let server = try Harness.redisServer
        let node = NodeSpec.redis(
            "master", server: server, at: Endpoint(port: try Loopback.freePorts(1)[0]), lines: ["nonsense yes"])
        let error = await #expect(throws: LocalTopologyError.self) {
            try await withLocalCluster(ClusterSpec([node])) { _ in }
        }
        guard case .died(node: "master", ending: .exited(code: 1), let log) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(log.lines.contains { $0.contains("nonsense") })
    }

    @Test("names the command that builds a missing program")
    func notBuilt() throws {
        let error = #expect(throws: LocalTopologyError.self) { try Programs.built("no-such-program") }
        let message = "\(try #require(error))"
        #expect(message.hasSuffix("build it with: swift build --product no-such-program"))
    }

    @Test("finds free ports that differ, and sees when one is taken")
    func ports() async throws {
        #expect(Set(try Loopback.freePorts(8)).count == 8)
        try await withLocalCluster(try Pair().spec) { cluster in
            for node in cluster.spec.nodes {
                #expect(throws: LocalTopologyError.taken(node.endpoint)) { try Loopback.checkFree(node.endpoint) }
            }
        }
    }
}
