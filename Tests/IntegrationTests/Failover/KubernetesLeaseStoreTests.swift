import Failover
import Foundation
import LeaseStore
import Synchronization
import Testing

/// The codes of the API server, one by one.
@Suite("The Kubernetes lease store", .serialized)
struct KubernetesLeaseStoreTests {
    private static let patience = Duration.seconds(10)

    private static func record(_ term: UInt64, _ renewals: UInt64, _ holder: String) -> LeaseRecord {
        LeaseStoreTests.record(term, renewals: renewals, holder: holder)
    }

    private static func outcome(_ body: () async throws -> Void) async -> LeaseStoreError? {
        do {
            try await body()
            return nil
        } catch let error as LeaseStoreError {
            return error
        } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    @Test("429, 5xx, silence, half an answer and a closed connection are unavailable, and pass")
    func passing() async throws {
        try await ScriptedAPIServer.with { server in
            let store = try await server.store("main")
            var version = try await store.write(Self.record(1, 0, "redis-0"), replacing: nil, within: Self.patience)
            let answers: [ScriptedLeases.Answer] = [
                .whole(status: 429, headers: [("Retry-After", "1")], body: "{}"), .whole(status: 429, body: ""),
                ScriptedLeases.status(500, "InternalError"), .whole(status: 503, body: "down"),
                ScriptedLeases.status(504, "Timeout"), .whole(status: 404, body: "404 page not found\n"),
                .whole(status: 200, body: "no JSON"), .whole(status: 200, body: #"{"metadata":{}}"#),
                .whole(status: 307, headers: [("Location", "https://127.0.0.1:1/")], body: ""),
                .whole(status: 200, body: String(repeating: "x", count: 2 << 20)), .silence, .half, .hangUp,
            ]
            for (number, answer) in answers.enumerated() {
                server.leases.plan("get", answer)
                await LeaseStoreTests.expectUnavailable { _ = try await store.read(within: .milliseconds(700)) }
                server.leases.plan("update", answer)
                let known = version
                await LeaseStoreTests.expectUnavailable {
                    _ = try await store.write(
                        Self.record(1, 1, "redis-0"), replacing: known, within: .milliseconds(700))
                }
                version = try await store.write(
                    Self.record(1, UInt64(number) + 2, "redis-0"), replacing: version, within: Self.patience)
            }
        }
    }

    @Test("Retry-After is in the error")
    func retryAfter() async throws {
        try await ScriptedAPIServer.with { server in
            let store = try await server.store("main")
            server.leases.plan("get", .whole(status: 429, headers: [("Retry-After", "7")], body: "{}"))
            let error = await Self.outcome { _ = try await store.read(within: Self.patience) }
            #expect("\(String(describing: error))".contains("come again after 7 s"), "\(String(describing: error))")
        }
    }

    @Test("two refusals after a restart are no lack of rights; the message names right, resource and namespace")
    func forbidden() async throws {
        try await ScriptedAPIServer.with { server in
            let store = try await server.store("main")
            let read: @Sendable () async throws -> Void = { _ = try await store.read(within: Self.patience) }
            let create: @Sendable () async throws -> Void = {
                _ = try await store.write(Self.record(1, 0, "a"), replacing: nil, within: Self.patience)
            }
            for (verb, call) in [("get", read), ("create", create)] {
                for _ in 0..<2 {
                    server.leases.plan(verb, ScriptedLeases.status(403, "Forbidden"))
                    let error = await Self.outcome(call)
                    guard case .unavailable(let reason) = error else {
                        Issue.record("\(String(describing: error))")
                        return
                    }
                    for word in ["\"\(verb)\"", "\"leases\"", "coordination.k8s.io", "\"redis\""] {
                        #expect(reason.contains(word), "\(reason)")
                    }
                }
                try await call()
            }
        }
    }

    @Test("a right that is refused for longer than ten seconds is missing")
    func missingRight() async throws {
        try await ScriptedAPIServer.with { server in
            let store = try await server.store("main")
            let start = ContinuousClock.now
            let reason = try await eventually("a refusal") {
                server.leases.plan("get", ScriptedLeases.status(403, "Forbidden"))
                switch await Self.outcome({ _ = try await store.read(within: Self.patience) }) {
                case .refused(let reason): return reason
                case let other: throw NotYet(seen: "\(String(describing: other))")
                }
            }
            #expect(ContinuousClock.now - start > .seconds(10))
            #expect(reason.contains("the right \"get\" on the resource \"leases\""), "\(reason)")
        }
    }

    @Test("a token is read again when its file changes, and once after a 401")
    func token() async throws {
        try await ScriptedAPIServer.with { server in
            let store = try await server.store("main")
            #expect(try await store.read(within: Self.patience) == nil)
            let authorities = try Scratch.read(server.certificates.certificate("ca"))
            server.leases.token = "token-2"
            let error = await Self.outcome { _ = try await store.read(within: Self.patience) }
            // Once more with what the file holds now, and no more.
            #expect(server.leases.asked("get") == 3)
            #expect("\(String(describing: error))".contains("token"), "\(String(describing: error))")
            #expect(!"\(String(describing: error))".contains("token-1"))
            try server.secret.exchange(["token": Array("token-2".utf8), "ca.crt": authorities])
            #expect(try await store.read(within: Self.patience) == nil)
            #expect(server.leases.asked("get") == 4)
            // One 401 alone is not seen by the caller.
            server.leases.plan("create", ScriptedLeases.status(401, "Unauthorized"))
            _ = try await store.write(Self.record(1, 0, "redis-0"), replacing: nil, within: Self.patience)
            for bytes in [[], Array("two\nlines".utf8)] {
                try server.secret.exchange(["token": bytes, "ca.crt": authorities])
                let error = await Self.outcome { _ = try await store.read(within: Self.patience) }
                #expect("\(String(describing: error))".contains("holds no token"), "\(String(describing: error))")
            }
            try server.secret.exchange(["ca.crt": authorities])
            let missing = await Self.outcome { _ = try await store.read(within: Self.patience) }
            #expect("\(String(describing: missing))".contains("automountServiceAccountToken"))
        }
    }

    @Test("an authority that did not sign the certificate is named, and the right one is read when the file changes")
    func authority() async throws {
        try await ScriptedAPIServer.with { server in
            let token = Array("token-1".utf8)
            let authorities = try Scratch.read(server.certificates.certificate("ca"))
            try server.secret.exchange([
                "token": token, "ca.crt": try Scratch.read(server.certificates.certificate("stranger")),
            ])
            let store = try await server.store("main")
            let error = await Self.outcome { _ = try await store.read(within: Self.patience) }
            #expect("\(String(describing: error))".contains("CA file"), "\(String(describing: error))")
            try server.secret.exchange(["token": token, "ca.crt": authorities])
            #expect(try await store.read(within: Self.patience) == nil)
        }
    }

    @Test("an object that the API server does not take is no time-out: nothing was written, and it says why")
    func invalid() async throws {
        try await ScriptedAPIServer.with { server in
            let store = try await server.store("main")
            server.leases.plan("create", ScriptedLeases.status(422, "Invalid", "spec.renewTime: bad"))
            let error = await Self.outcome {
                _ = try await store.write(Self.record(1, 0, "redis-0"), replacing: nil, within: Self.patience)
            }
            guard case .unreadable(let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("spec.renewTime: bad"), "\(reason)")
        }
    }

    @Test("an empty Lease made for us is filled, with its labels kept; then no other node fills it")
    func prepared() async throws {
        try await ScriptedAPIServer.with { server in
            try server.leases.put("main", #"{"metadata":{"labels":{"app":"redis"}},"spec":{}}"#)
            let store = try await server.store("main")
            let other = try await server.store("main")
            #expect(try await store.read(within: Self.patience) == nil)
            let version = try await store.write(Self.record(1, 0, "redis-0"), replacing: nil, within: Self.patience)
            await #expect(throws: LeaseStoreError.conflict) {
                try await other.write(Self.record(2, 0, "redis-1"), replacing: nil, within: Self.patience)
            }
            // By a store that has not read it.
            _ = try await other.write(Self.record(2, 0, "redis-1"), replacing: version, within: Self.patience)
            let object = try #require(server.leases.object("main"))
            #expect(object.contains(#""labels":{"app":"redis"}"#), "\(object)")
            #expect(object.contains(#""holderIdentity":"redis-1_4f0c-redis-1""#), "\(object)")
            #expect(object.contains(#""leaseTransitions":2"#), "\(object)")
        }
    }

    @Test("a watch goes on after 410, by an event or by status, and after the API server has ended it")
    func watchResumes() async throws {
        try await ScriptedAPIServer.with { server in
            let troubles = Mutex<[LeaseStoreError]>([])
            let store = await server.store(try server.settings("main")) { trouble in
                troubles.withLock { $0.append(trouble) }
            }
            var told = store.changes().makeAsyncIterator()
            #expect(await told.next() == .some(nil))
            var version: LeaseVersion?
            for round in 0..<4 {
                switch round {
                case 1: server.leases.plan("watch", .whole(status: 410, body: #"{"reason":"Expired","code":410}"#))
                case 2: server.leases.plan("watch", .whole(status: 200, body: ""))
                case 3: server.leases.plan("watch", ScriptedLeases.status(500, "InternalError"))
                default: break
                }
                if round > 0 {
                    // Its connections end, as behind a balancer; the versions of before are forgotten.
                    try await server.kill()
                    server.leases.forgetEvents()
                    try await server.start()
                }
                let known = version
                let record = Self.record(1, UInt64(round), "redis-0")
                let written = try await eventually("a write") {
                    try await store.write(record, replacing: known, within: Self.patience)
                }
                version = written
                while let element = await told.next() {
                    if element?.version == written { break }
                }
            }
            #expect(troubles.withLock { $0.count } > 0)
        }
    }

    @Test("a missing right to watch is reported once, and not at every try; the rest works")
    func watchRefused() async throws {
        try await ScriptedAPIServer.with { server in
            let troubles = Mutex<[LeaseStoreError]>([])
            for _ in 0..<4 { server.leases.plan("watch", ScriptedLeases.status(403, "Forbidden")) }
            let store = await server.store(try server.settings("main")) { trouble in
                troubles.withLock { $0.append(trouble) }
            }
            var told = store.changes().makeAsyncIterator()
            #expect(await told.next() == .some(nil))
            try await eventually("a watch that is allowed") {
                let asked = server.leases.asked("watch")
                guard asked > 4 else { throw NotYet(seen: "\(asked) tries") }
            }
            let version = try await store.write(Self.record(1, 0, "redis-0"), replacing: nil, within: Self.patience)
            while let element = await told.next() {
                if element?.version == version { break }
            }
            let all = troubles.withLock { $0 }
            #expect(all.count == 1)
            #expect(all.first?.description.contains("\"watch\"") ?? false, "\(all)")
        }
    }
}
