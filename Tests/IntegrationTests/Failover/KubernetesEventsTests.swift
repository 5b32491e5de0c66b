import Foundation
import LeaseStore
import NIOPosix
import Synchronization
import Testing

/// Events in a scripted API server, and in the one that `KUBE_APISERVER` names.
@Suite("Events of Kubernetes", .serialized)
struct KubernetesEventsTests {
    private static func events(
        _ server: any APIServer, trouble: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> KubernetesEvents {
        KubernetesEvents(
            KubernetesEventsSettings(kubernetes: try server.settings("main"), pod: "redis-0", podUID: "4f0c"),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), trouble: trouble)
    }

    @Test("each is created, with its reason and its note", arguments: LeaseServerKind.apiServers)
    func created(kind: LeaseServerKind) async throws {
        try await kind.withAPIServer { server in
            let troubles = Mutex<[String]>([])
            let events = try Self.events(server) { trouble in troubles.withLock { $0.append(trouble) } }
            for reason in OperatorEvent.Reason.allCases {
                events.report(OperatorEvent(reason, note: "Note of \(reason.rawValue)."))
            }
            // The same again is not sent.
            events.report(OperatorEvent(.leads, note: "Note of Leads."))
            await events.shutDown(within: .seconds(30))
            #expect(troubles.withLock { $0 } == [])
            let all = try await server.all("events")
            for reason in OperatorEvent.Reason.allCases {
                let found = all.components(separatedBy: "Note of \(reason.rawValue).").count - 1
                #expect(found == 1, "\(reason.rawValue): \(all)")
                #expect(all.contains(#""reason":"\#(reason.rawValue)""#))
            }
            // A report after that does nothing.
            events.report(OperatorEvent(.leads, note: "late"))
        }
    }

    @Test("an API server that is away, refuses or is silent costs only the event; the reason is logged once")
    func away() async throws {
        try await ScriptedAPIServer.with { server in
            let troubles = Mutex<[String]>([])
            let events = try Self.events(server) { trouble in troubles.withLock { $0.append(trouble) } }
            // Twice no answer, then it is made; a first try that was carried out is no second event.
            server.leases.plan(
                "create", ScriptedLeases.status(500, "InternalError"), .hangUp)
            events.report(OperatorEvent(.leads, note: "first"))
            server.leases.plan("create", ScriptedLeases.status(409, "AlreadyExists", kind: "events"))
            events.report(OperatorEvent(.leads, note: "second"))
            for number in 0..<3 {
                server.leases.plan("create", ScriptedLeases.status(422, "Invalid", kind: "events"))
                events.report(OperatorEvent(.fenced, note: "not taken \(number)"))
            }
            events.report(OperatorEvent(.leads, note: "last"))
            await events.shutDown(within: .seconds(30))
            #expect(server.leases.names(of: "events").count == 2)
            #expect(server.leases.asked("create") == 8)
            let told = troubles.withLock { $0 }
            #expect(told.count == 1, "\(told)")
            #expect(
                told.first?.contains("an Event about the pod \"redis/redis-0\" was not created") ?? false, "\(told)")
        }
    }

    @Test("a missing right is named")
    func missingRight() async throws {
        try await ScriptedAPIServer.with { server in
            let troubles = Mutex<[String]>([])
            let events = try Self.events(server) { trouble in troubles.withLock { $0.append(trouble) } }
            for _ in 0..<3 { server.leases.plan("create", ScriptedLeases.status(403, "Forbidden", kind: "events")) }
            events.report(OperatorEvent(.leads, note: "first"))
            await events.shutDown(within: .seconds(30))
            let told = try #require(troubles.withLock { $0 }.first)
            for word in ["\"create\"", "\"events\"", "events.k8s.io", "\"redis\""] {
                #expect(told.contains(word), "\(told)")
            }
        }
    }

    @Test("the end does not wait for an API server that is silent")
    func end() async throws {
        try await ScriptedAPIServer.with { server in
            let events = try Self.events(server)
            server.leases.plan("create", .silence)
            for number in 0..<100 { events.report(OperatorEvent(.fenced, note: "\(number)")) }
            await events.shutDown(within: .milliseconds(200))
            #expect(server.leases.asked("create") <= 1)
        }
    }
}
