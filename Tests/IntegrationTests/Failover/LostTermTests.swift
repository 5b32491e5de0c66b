import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// What a lease store or a server without an append-only file may have lost without saying so.
@Suite("Nodes whose lease or data lack what was newest", .serialized)
struct LostTermTests {
    private static var server: String { get throws { try Harness.redisServer.string } }

    private static func add(_ numbers: Range<Int>, on name: String, _ nodes: SupervisedNodes) async throws {
        for number in numbers {
            #expect(try await nodes.cluster.redis(name, "SADD", Writers.key, "\(number)") == .integer(1))
        }
    }

    private static func term(_ nodes: SupervisedNodes, on name: String) async throws -> Int? {
        let text = try await nodes.status(of: name)
        let words = text.split(separator: "\n").first { $0.hasPrefix("lease:") }?.split(separator: " ") ?? []
        guard let index = words.firstIndex(of: "term"), index + 1 < words.count else { return nil }
        return Int(words[index + 1].filter(\.isNumber))
    }

    @Test("of a store restored from a backup without the newest term keep all data, say so, and reuse no term")
    func restoredLease() async throws {
        try await SupervisedNodes.run(server: try Self.server) { nodes in
            let first = try await nodes.settled()
            let old = try #require(SupervisedNodes.names.first { $0 != first })
            let second = try #require(SupervisedNodes.names.first { $0 != first && $0 != old })
            try await Self.add(0..<10, on: first, nodes)
            let backup = try nodes.lease()
            // This node knows the term of the backup alone.
            _ = try await nodes.cluster.terminate(old)
            let done = try await nodes.order("switchover", "--to", second, on: first)
            #expect(done.code == .exited(0), "\(done)")
            #expect(try await nodes.settled() == second)
            let newest = try #require(try await Self.term(nodes, on: second))
            try await Self.add(10..<200, on: second, nodes)

            try nodes.restore(lease: backup)
            try await nodes.cluster.launch(old)
            try await nodes.wait(until: "a leader of a later term") {
                guard let leader = try await nodes.leader() else { return false }
                return try await Self.term(nodes, on: leader) ?? 0 > newest
            }
            let next = try await nodes.settled()
            #expect(next != old)
            for name in SupervisedNodes.names {
                #expect(try await nodes.cluster.redis(name, "SCARD", Writers.key) == .integer(200), "\(name)")
            }
            for name in [first, second] {
                #expect(try await nodes.cluster.log(of: name).contains("data are of term \(newest)"), "\(name)")
            }

            // The same while no node runs; the one with the old data starts first.
            let later = try #require(try await Self.term(nodes, on: next))
            let ancient = try #require(SupervisedNodes.names.first { $0 != next })
            _ = try await nodes.cluster.terminate(ancient)
            let other = try #require(SupervisedNodes.names.first { $0 != next && $0 != ancient })
            let moved = try await nodes.order("switchover", "--to", other, on: next)
            #expect(moved.code == .exited(0), "\(moved)")
            #expect(try await nodes.settled() == other)
            try await Self.add(200..<300, on: other, nodes)
            for name in [next, other] { _ = try await nodes.cluster.terminate(name) }
            try nodes.restore(lease: backup)
            try await nodes.cluster.launch(ancient)
            try await nodes.wait(until: "it asks for the others") {
                try await nodes.status(of: ancient).contains("blocked: Only 1 of the 2 nodes needed")
            }
            _ = try await nodes.cluster.terminate(ancient)
            // Before any other node can lead.
            try await nodes.cluster.launch(other)
            try await nodes.wait(until: "it says what the lease lacks") {
                try await nodes.status(of: other).contains("LEASE LOST A TERM: ")
            }
            let document = try await nodes.order("status", "--json", on: other).text
            let doubt = document.split(separator: "lease_doubt\"").last?.prefix(32) ?? ""
            #expect(doubt.contains("\"the lease is of term "), "\(document)")
            #expect(try await nodes.metrics(of: other).contains("\nredis_failover_lease_doubted 1\n"))
            for name in [ancient, next] { try await nodes.cluster.launch(name) }
            let last = try await nodes.settled()
            #expect(last != ancient)
            #expect(try await Self.term(nodes, on: last) ?? 0 > later + 1)
            try await nodes.wait(until: "the lease has all terms") {
                for name in SupervisedNodes.names {
                    guard try await nodes.metrics(of: name).contains("\nredis_failover_lease_doubted 0\n") else {
                        return false
                    }
                }
                return true
            }
            for name in SupervisedNodes.names {
                #expect(try await nodes.cluster.redis(name, "SCARD", Writers.key) == .integer(300), "\(name)")
            }
        }
    }

    @Test("do not count a node that came back with its last save alone, with or without its position file")
    func lostWrites() async throws {
        for removesFile in [false, true] { try await lostWrites(removesFile) }
    }

    private func lostWrites(_ removesFile: Bool) async throws {
        let flags = ["REDIS_EXTRA_FLAGS": "--appendonly no --save '3600 1'"]
        try await SupervisedNodes.run(server: try Self.server, environment: flags) { nodes in
            let leader = try await nodes.settled()
            let others = SupervisedNodes.names.filter { $0 != leader }
            try await Self.add(0..<10, on: leader, nodes)
            #expect(try await nodes.cluster.redis(leader, "SAVE").text == "OK")
            // Ends in order, with all that there is by now.
            _ = try await nodes.cluster.terminate(others[0])
            try await Self.add(10..<50, on: leader, nodes)
            #expect(try await nodes.cluster.redis(leader, "WAIT", "1", "20000") == .integer(1))
            // Two nodes have them: one that loses them now, and one that is away.
            for name in [leader, others[1]] { try await nodes.cluster.kill(name) }
            if removesFile {
                #expect(unlink("\(nodes.cluster.folder)/\(leader)/failover/position") == 0)
            }
            for name in [leader, others[0]] { try await nodes.cluster.launch(name) }
            try await nodes.wait(until: "the one that lost writes is no answer") {
                let text = try await nodes.status(of: others[0])
                let row = text.split(separator: "\n").first { $0.hasPrefix(leader) } ?? ""
                return row.contains("incomplete") && text.contains("blocked: Only 1 of the 2 nodes needed")
            }
            #expect(try await nodes.status(of: leader).contains("state of \(leader): following"))
        }
    }
}
