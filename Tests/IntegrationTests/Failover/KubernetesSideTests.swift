import Failover
import FailoverAgent
import Foundation
import LeaseStore
import Logging
import NIOPosix
import Synchronization
import Testing

/// What nodes tell Kubernetes, in a scripted API server and in the one that `KUBE_APISERVER` names.
@Suite("What a node of fail-over tells Kubernetes", .serialized)
struct KubernetesSideTests {
    private static let slice = "endpointslices/redis-master-ipv4"

    /// One node, its log, and how often the connections of its clients were ended.
    private final class Node: Sendable {
        let side: KubernetesSide
        private let logged: Logged
        private let ends = Mutex(0)

        init(_ server: any APIServer, _ number: Int) throws {
            let logged = Logged()
            self.logged = logged
            let settings = try server.settings("main")
            let id = NodeID(name: "redis-\(number)", pod: "4f0c-\(number)", start: 1)
            let address = try WriteAddressSettings(
                lease: settings, service: "redis-master", addresses: ["10.0.0.\(number)"], port: 6379, pod: id.name,
                podUID: id.pod)
            side = KubernetesSide(
                settings, address, node: id, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: Logger(label: "test") { _ in logged })
            side.endConnections = { self.ends.withLock { $0 += 1 } }
        }

        var endedConnections: Int { ends.withLock { $0 } }
        var lines: [String] { logged.all.withLock { $0 } }
    }

    private struct Logged: LogHandler {
        final class Lines: Sendable {
            let lines = Mutex<[String]>([])
            func withLock<Value>(_ body: (inout sending [String]) -> sending Value) -> Value { lines.withLock(body) }
        }

        let all = Lines()
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { all.withLock { $0.append("\(event.message)") } }
    }

    private static func leadsTo(_ server: any APIServer, _ address: String) async throws {
        try await eventually("the Service leads to \(address)") {
            let text = try await server.object(slice) ?? "no slice"
            guard text.contains("\"\(address)\"") else { throw NotYet(seen: text) }
        }
    }

    /// How often an event of this reason and type is there, with these words.
    private static func events(
        _ server: any APIServer, _ reason: String, _ type: String, saying words: String
    ) async throws -> Int {
        try await server.all("events").components(separatedBy: "\"apiVersion\":\"events.k8s.io/v1\"").count {
            $0.contains("\"reason\":\"\(reason)\"") && $0.contains("\"type\":\"\(type)\"") && $0.contains(words)
        }
    }

    @Test(
        "a planned change is a Normal event, and the old leader sends its clients on once the Service leads to the next one",
        arguments: LeaseServerKind.apiServers)
    func planned(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let nodes = try [Node(server, 1), Node(server, 2)]
            nodes[0].side.see(.machine(.leads(term: 1)))
            await nodes[0].side.publish(term: 1)
            try await Self.leadsTo(server, "10.0.0.1")

            nodes[0].side.see(.machine(.fencing(.handover)))
            nodes[0].side.see(.follows("redis-2"))
            // No client is sent back to where it came from.
            #expect(nodes[0].endedConnections == 0)
            nodes[1].side.see(.machine(.leads(term: 2)))
            await nodes[1].side.publish(term: 2)
            try await Self.leadsTo(server, "10.0.0.2")
            try await eventually("clients are sent on, the late ones too") {
                let count = nodes[0].endedConnections
                guard count == KubernetesWriteAddress.settleTimes.count else { throw NotYet(seen: "\(count)") }
            }
            #expect(nodes[1].endedConnections == 0)
            // A leader that was frozen meanwhile never leads the Service back.
            await nodes[0].side.publish(term: 1)
            try await Self.leadsTo(server, "10.0.0.2")
            #expect(nodes[0].lines.count { $0.contains("its EndpointSlice is of term 2") } <= 1)

            nodes[1].side.see(.machine(.fencing(.leaseRanOut)))
            nodes[1].side.see(.killedServer("did not answer in time"))
            for node in nodes { await node.side.shutDown() }
            #expect(try await Self.events(server, "Leads", "Normal", saying: "redis-1: leads in term 1") == 1)
            #expect(
                try await Self.events(server, "HandedOver", "Normal", saying: "redis-1: handed over as planned") == 1)
            #expect(try await Self.events(server, "Fenced", "Warning", saying: "redis-1") == 0)
            #expect(try await Self.events(server, "Fenced", "Warning", saying: "was not renewed in time") == 1)
            #expect(try await Self.events(server, "Fenced", "Warning", saying: "redis-2: killed redis-server") == 1)
            #expect(nodes[1].lines == [])
        }
    }

    @Test("the end of a leader waits for its successor's address, and no longer than the limit")
    func successor() async throws {
        try await ScriptedAPIServer.with { server in
            let nodes = try [Node(server, 1), Node(server, 2)]
            nodes[0].side.see(.machine(.leads(term: 1)))
            await nodes[0].side.publish(term: 1)
            let start = ContinuousClock.now
            await nodes[0].side.waitForSuccessor(within: .milliseconds(300))
            #expect(ContinuousClock.now - start >= .milliseconds(300))
            async let waits: Void = nodes[0].side.waitForSuccessor(within: .seconds(600))
            nodes[1].side.see(.machine(.leads(term: 2)))
            await nodes[1].side.publish(term: 2)
            await waits
            // A node that has never led has no client to wait for.
            await nodes[1].side.waitForSuccessor(within: .milliseconds(1))
            for node in nodes { await node.side.shutDown() }
        }
    }

    /// Every answer to one kind of question, for as long as it is asked.
    private static func refusing(
        _ server: ScriptedAPIServer, _ answer: ScriptedLeases.Answer, _ body: (Node) async throws -> Void
    ) async throws {
        for _ in 0..<64 { server.leases.plan("any", answer) }
        try await body(try Node(server, 1))
    }

    @Test(
        "a missing right, a wrong token and a missing namespace have one line each, which names right or cure",
        arguments: [
            (ScriptedLeases.status(403, "Forbidden"), "\"endpointslices\" of discovery.k8s.io", "the right \""),
            (
                ScriptedLeases.status(401, "Unauthorized"), "it does not take the token in '",
                "is it of this cluster, and not expired?"
            ),
            (
                ScriptedLeases.status(404, "NotFound", kind: "namespaces"), "there is no namespace \"redis\"",
                "create it, or name the pod's own by POD_NAMESPACE"
            ),
        ])
    func refused(answer: ScriptedLeases.Answer, words: String, cure: String) async throws {
        try await ScriptedAPIServer.with { server in
            try await Self.refusing(server, answer) { node in
                node.side.see(.machine(.leads(term: 1)))
                let publishing = Task { await node.side.publish(term: 1) }
                try await eventually("several tries") {
                    let tries = ["get", "create", "update"].map { server.leases.asked($0) }.reduce(0, +)
                    guard tries >= 8 else { throw NotYet(seen: "\(tries)") }
                }
                await node.side.shutDown()
                await publishing.value
                let ofSlice = node.lines.filter { $0.contains("slice") || $0.contains("Slice") }
                #expect(ofSlice.count == 1, "\(node.lines)")
                #expect(ofSlice.first?.contains(words) == true && ofSlice.first?.contains(cure) == true, "\(ofSlice)")
            }
        }
    }

    @Test("a store that refuses for long says one thing, with the right's name", .timeLimit(.minutes(5)))
    func oneLine() async throws {
        try await ScriptedAPIServer.with { server in
            let store = try await server.store("main")
            var words: Set<String> = []
            try await eventually("a refusal") {
                server.leases.plan("get", ScriptedLeases.status(403, "Forbidden"))
                do {
                    _ = try await store.read(within: .seconds(10))
                } catch let error as LeaseStoreError {
                    words.insert(error.description)
                    if case .refused = error { return }
                }
                throw NotYet(seen: "\(words)")
            }
            #expect(words.count == 1 && words.first?.contains("the right \"get\"") == true, "\(words)")
        }
    }
}
