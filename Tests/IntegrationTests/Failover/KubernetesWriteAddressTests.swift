import Foundation
import LeaseStore
import NIOPosix
import Synchronization
import Testing

/// Whom the write Service leads to, in a scripted API server and in the one that `KUBE_APISERVER` names.
@Suite("The address of the write Service", .serialized)
struct KubernetesWriteAddressTests {
    private static let slice = "endpointslices/redis-master-ipv4"
    private static let sliceOf6 = "endpointslices/redis-master-ipv6"

    /// One node's publisher, and what it had to report.
    private final class Node: Sendable {
        let address: KubernetesWriteAddress
        private let reported: Reported

        private final class Reported: Sendable {
            let all = Mutex<[String]>([])
        }

        init(
            _ server: any APIServer, _ number: Int, addresses: [String]? = nil, lease: String = "main",
            recheckInterval: Duration = .seconds(60)
        ) throws {
            let reported = Reported()
            self.reported = reported
            address = KubernetesWriteAddress(
                try WriteAddressSettings(
                    lease: server.settings(lease), service: "redis-master",
                    addresses: addresses ?? ["10.0.0.\(number)"],
                    port: 6379, pod: "redis-\(number)", podUID: "4f0c-\(number)"),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(), recheckInterval: recheckInterval
            ) { reason in
                print("TROUBLE", reason)
                reported.all.withLock { $0.append(reason) }
            }
        }

        var troubles: [String] { reported.all.withLock { $0 } }

        func firstTrouble() async throws -> String {
            try await eventually("a report") {
                guard let first = troubles.first else { throw NotYet(seen: "no report") }
                return first
            }
        }
    }

    private struct Slice: Decodable {
        struct Metadata: Decodable {
            var annotations: [String: String]?
            var labels: [String: String]?
        }
        struct Endpoint: Decodable { var addresses: [String] }
        var metadata: Metadata
        var endpoints: [Endpoint]?
        var addressType: String
    }

    private static func read(_ server: any APIServer, _ path: String = slice) async throws -> Slice {
        let text = try await eventually("the slice") {
            guard let text = try await server.object(path) else { throw NotYet(seen: "no slice") }
            return text
        }
        return try JSONDecoder().decode(Slice.self, from: Data(text.utf8))
    }

    private static func leadsTo(
        _ server: any APIServer, _ address: String, term: UInt64, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let slice = try await read(server)
        #expect(slice.endpoints?.flatMap(\.addresses) == [address], sourceLocation: sourceLocation)
        #expect(slice.metadata.annotations?["redis-replica-kit/term"] == "\(term)", sourceLocation: sourceLocation)
    }

    @Test("the Service leads to each new leader, and never back to an older one", arguments: LeaseServerKind.apiServers)
    func terms(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let nodes = try (0..<3).map { try Node(server, $0 + 1) }
            for (term, node) in nodes.enumerated() {
                try await node.address.publish(term: UInt64(term) + 1)
                try await Self.leadsTo(server, "10.0.0.\(term + 1)", term: UInt64(term) + 1)
            }
            // Again, as after a renewal problem.
            try await nodes[2].address.publish(term: 3)
            for node in nodes[..<2] {
                await #expect(throws: WriteAddressError.superseded(by: 3)) { try await node.address.publish(term: 2) }
            }
            // A node that has led before leads again.
            try await nodes[0].address.publish(term: .max)
            try await Self.leadsTo(server, "10.0.0.1", term: .max)
            await #expect(throws: WriteAddressError.superseded(by: .max)) {
                try await nodes[0].address.publish(term: 1)
            }
            for node in nodes {
                #expect(node.troubles == [])
                await node.address.shutDown()
                await #expect(throws: WriteAddressError.stopped) { try await node.address.publish(term: .max) }
            }
        }
    }

    @Test("of leaders that write at once, the one of the newest term stays", arguments: LeaseServerKind.apiServers)
    func race(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let nodes = try (1...5).map { try Node(server, $0) }
            for round in 0..<10 {
                await withTaskGroup(of: Void.self) { group in
                    for (number, node) in nodes.shuffled().enumerated() {
                        let term = UInt64(round * 5 + number + 1)
                        group.addTask {
                            do {
                                try await node.address.publish(term: term)
                            } catch {
                                guard case .superseded(let newer) = error as? WriteAddressError, newer > term else {
                                    Issue.record("\(error)")
                                    return
                                }
                            }
                        }
                    }
                }
                let slice = try await Self.read(server)
                #expect(slice.metadata.annotations?["redis-replica-kit/term"] == "\(round * 5 + 5)")
            }
            for node in nodes { await node.address.shutDown() }
        }
    }

    @Test(
        "a pod with two addresses has two slices; one without IPv6 empties the other's",
        arguments: LeaseServerKind.apiServers)
    func families(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let both = try Node(server, 1, addresses: ["fd00::1", "10.0.0.1"])
            try await both.address.publish(term: 1)
            try await Self.leadsTo(server, "10.0.0.1", term: 1)
            let six = try await Self.read(server, Self.sliceOf6)
            #expect(six.addressType == "IPv6" && six.endpoints?.flatMap(\.addresses) == ["fd00::1"])
            #expect(six.metadata.labels?["kubernetes.io/service-name"] == "redis-master")
            let one = try Node(server, 2)
            try await one.address.publish(term: 2)
            try await Self.leadsTo(server, "10.0.0.2", term: 2)
            let emptied = try await Self.read(server, Self.sliceOf6)
            #expect(emptied.endpoints?.isEmpty ?? true)
            #expect(emptied.metadata.annotations?["redis-replica-kit/term"] == "2")
            try await one.address.publish(term: 2)
            await #expect(throws: WriteAddressError.superseded(by: 2)) { try await both.address.publish(term: 1) }
            for node in [both, one] { await node.address.shutDown() }
        }
    }

    @Test("an API server that is away gets the address when it is back", arguments: LeaseServerKind.apiServers)
    func away(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let node = try Node(server, 1)
            try await node.address.publish(term: 1)
            try await server.kill()
            let publication = Task { try await node.address.publish(term: 2) }
            // The same again, many times: they wait for the one that works.
            let others = (0..<20).map { _ in Task { try await node.address.publish(term: 2) } }
            _ = try await node.firstTrouble()
            try await server.start()
            try await publication.value
            for other in others { try await other.value }
            try await Self.leadsTo(server, "10.0.0.1", term: 2)
            #expect(node.troubles.allSatisfy { $0.contains("the address of the Kubernetes Service") })
            await node.address.shutDown()
        }
    }

    @Test("a node that no longer leads stops trying", arguments: LeaseServerKind.apiServers)
    func stop(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let node = try Node(server, 1)
            try await server.kill()
            let first = Task { try await node.address.publish(term: 1) }
            _ = try await node.firstTrouble()
            // A newer term of the same node ends the older one.
            let second = Task { try await node.address.publish(term: 2) }
            await #expect(throws: WriteAddressError.stopped) { try await first.value }
            node.address.stop()
            await #expect(throws: WriteAddressError.stopped) { try await second.value }
            try await server.start()
            let other = try Node(server, 2)
            try await other.address.publish(term: 1)
            try await Self.leadsTo(server, "10.0.0.2", term: 1)
            for node in [node, other] { await node.address.shutDown() }
        }
    }

    @Test("the leader writes again what was removed or emptied", arguments: LeaseServerKind.apiServers)
    func upkeep(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let node = try Node(server, 1, recheckInterval: .milliseconds(50))
            try await node.address.publish(term: 1)
            try await server.remove(Self.slice)
            try await Self.leadsTo(server, "10.0.0.1", term: 1)
            // A newer leader: this one checks no more, and changes nothing.
            let other = try Node(server, 2)
            try await other.address.publish(term: 2)
            try await Self.leadsTo(server, "10.0.0.2", term: 2)
            for node in [node, other] { await node.address.shutDown() }
            try await Self.leadsTo(server, "10.0.0.2", term: 2)
        }
    }

    @Test(
        "a slice of another program stays, the log says how to mend it, and then it is written",
        arguments: LeaseServerKind.apiServers)
    func foreign(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            try await server.replace(
                Self.slice,
                """
                {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"redis-master-ipv4",\
                "labels":{"endpointslice.kubernetes.io/managed-by":"someone"}},"addressType":"IPv4",\
                "endpoints":[{"addresses":["10.9.9.9"]}],"ports":[]}
                """)
            let node = try Node(server, 1)
            let publication = Task { try await node.address.publish(term: 1) }
            let trouble = try await node.firstTrouble()
            #expect(trouble.contains("is managed by \"someone\""), "\(trouble)")
            #expect(trouble.contains("kubectl -n redis delete endpointslice redis-master-ipv4"), "\(trouble)")
            #expect(try await Self.read(server).endpoints?.flatMap(\.addresses) == ["10.9.9.9"])
            try await server.remove(Self.slice)
            try await publication.value
            try await Self.leadsTo(server, "10.0.0.1", term: 1)
            #expect(node.troubles.count == 1)
            // Another installation that names the same Service.
            let stranger = try Node(server, 2, lease: "other")
            let other = Task { try await stranger.address.publish(term: 7) }
            let second = try await stranger.firstTrouble()
            #expect(second.contains("belongs to the nodes with the lease \"redis/main\""), "\(second)")
            await stranger.address.shutDown()
            await #expect(throws: WriteAddressError.stopped) { try await other.value }
            try await Self.leadsTo(server, "10.0.0.1", term: 1)
            await node.address.shutDown()
        }
    }

    @Test("the former leader waits until clients reach the new one", arguments: LeaseServerKind.apiServers)
    func wait(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let old = try Node(server, 1)
            let new = try Node(server, 2)
            try await old.address.publish(term: 1)
            try await old.address.waitUntilPublished(term: 1)
            let returned = Mutex(false)
            let waiting = Task {
                try await old.address.waitUntilPublished(term: 2)
                returned.withLock { $0 = true }
            }
            for _ in 0..<3 { _ = try await server.object(Self.slice) }
            #expect(!returned.withLock { $0 })
            try await new.address.publish(term: 3)
            try await waiting.value
            let cancelled = Task { try await old.address.waitUntilPublished(term: 9) }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            for node in [old, new] { await node.address.shutDown() }
        }
    }

    @Test("429, 5xx, silence, half an answer, a closed connection and a conflict pass")
    func passing() async throws {
        try await ScriptedAPIServer.with { server in
            let node = try Node(server, 1)
            let answers: [ScriptedLeases.Answer] = [
                .whole(status: 429, headers: [("Retry-After", "1")], body: "{}"),
                ScriptedLeases.status(500, "InternalError"), .whole(status: 503, body: "down"),
                .whole(status: 404, body: "404 page not found\n"), .whole(status: 200, body: "no JSON"),
                .whole(status: 200, body: #"{"metadata":{}}"#), .half, .hangUp, .silence,
                ScriptedLeases.status(403, "Forbidden"), ScriptedLeases.status(401, "Unauthorized"),
                ScriptedLeases.status(409, "Conflict", kind: "endpointslices"),
            ]
            try await node.address.publish(term: 1)
            for (number, answer) in answers.enumerated() {
                let verb = number.isMultiple(of: 2) ? "update" : "get"
                server.leases.plan(verb, answer)
                try await node.address.publish(term: UInt64(number) + 2)
                try await Self.leadsTo(server, "10.0.0.1", term: UInt64(number) + 2)
            }
            await node.address.shutDown()
        }
    }

    @Test("a missing right is named, with the resource and the namespace", arguments: ["get", "create"])
    func missingRight(verb: String) async throws {
        try await ScriptedAPIServer.with { server in
            server.leases.plan(
                verb, ScriptedLeases.status(403, "Forbidden"), ScriptedLeases.status(403, "Forbidden"))
            let node = try Node(server, 1)
            try await node.address.publish(term: 1)
            let trouble = try #require(node.troubles.first)
            for word in ["\"\(verb)\"", "\"endpointslices\"", "discovery.k8s.io", "\"redis\""] {
                #expect(trouble.contains(word), "\(trouble)")
            }
            await node.address.shutDown()
        }
    }
}
