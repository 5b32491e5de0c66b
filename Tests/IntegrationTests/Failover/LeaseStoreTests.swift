import Failover
import LeaseStore
import Synchronization
import Testing

/// What the agent relies on, against every store that runs here.
@Suite("Lease stores", .serialized)
struct LeaseStoreTests {
    static func record(_ term: UInt64, renewals: UInt64 = 0, holder: String? = "redis-0") -> LeaseRecord {
        LeaseRecord(
            holder: holder.map { NodeID(name: $0, pod: "4f0c-\($0)", start: 1) }, term: term, duration: .seconds(5),
            histories: term == 0 ? [] : [.init(term: term, id: "8a2e", start: 1024)], renewals: renewals)
    }

    /// Enough for a server on a busy machine.
    private static let patience = Duration.seconds(10)

    @Test(
        "a record is created once, replaced by its version alone, and read as it was written",
        arguments: LeaseServerKind.all)
    func life(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            let other = try await server.store("main")
            #expect(try await store.read(within: Self.patience) == nil)
            let first = try await store.write(Self.record(1), replacing: nil, within: Self.patience)
            #expect(try await other.read(within: Self.patience) == StoredLease(record: Self.record(1), version: first))
            for writer in [store, other] {
                await #expect(throws: LeaseStoreError.conflict) {
                    try await writer.write(Self.record(2), replacing: nil, within: Self.patience)
                }
            }
            // Given back, handed over, paused.
            var released = Self.record(1, renewals: 1, holder: nil)
            released.successor = .init(name: "redis-1", offset: 99)
            released.isPaused = true
            let second = try await other.write(released, replacing: first, within: Self.patience)
            #expect(second != first)
            #expect(try await store.read(within: Self.patience) == StoredLease(record: released, version: second))
            for writer in [store, other] {
                for stale in [first, LeaseVersion("7"), LeaseVersion("no version"), LeaseVersion("")] {
                    await #expect(throws: LeaseStoreError.conflict, "\(stale)") {
                        try await writer.write(Self.record(3), replacing: stale, within: Self.patience)
                    }
                }
            }
            // The largest term and the smallest duration.
            var last = Self.record(.max, renewals: .max)
            last.duration = .milliseconds(1)
            let third = try await store.write(last, replacing: second, within: Self.patience)
            #expect(try await other.read(within: Self.patience) == StoredLease(record: last, version: third))
            // Removed and made again: the old version is no version of the new one.
            try await server.remove("main")
            #expect(try await store.read(within: Self.patience) == nil)
            await #expect(throws: LeaseStoreError.conflict) {
                try await store.write(last, replacing: third, within: Self.patience)
            }
            let again = try await store.write(last, replacing: nil, within: Self.patience)
            #expect(again != third)
            // Two leases have nothing to do with each other.
            #expect(try await server.store("other").read(within: Self.patience) == nil)
        }
    }

    @Test("of five writers with one version exactly one succeeds", arguments: LeaseServerKind.all)
    func race(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            var stores: [any LeaseStore] = []
            for _ in 0..<5 { stores.append(try await server.store("main")) }
            var version: LeaseVersion?
            for round in 0..<30 {
                let known = version
                let written: [(Int, LeaseVersion)] = try await withThrowingTaskGroup(of: (Int, LeaseVersion)?.self) {
                    group in
                    for (number, store) in stores.enumerated() {
                        group.addTask {
                            let record = Self.record(UInt64(round), renewals: UInt64(number))
                            do {
                                return (number, try await store.write(record, replacing: known, within: Self.patience))
                            } catch LeaseStoreError.conflict {
                                return nil
                            }
                        }
                    }
                    var written: [(Int, LeaseVersion)] = []
                    for try await one in group { if let one { written.append(one) } }
                    return written
                }
                try #require(written.count == 1, "round \(round): \(written)")
                let stored = try await stores[0].read(within: Self.patience)
                #expect(stored?.version == written[0].1)
                #expect(stored?.record.renewals == UInt64(written[0].0))
                version = written[0].1
            }
        }
    }

    @Test("a leader renews 200 times, each time the version that it wrote", arguments: LeaseServerKind.all)
    func renewals(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            var version = try await store.write(Self.record(1), replacing: nil, within: Self.patience)
            var times: [Duration] = []
            for renewal in 1...200 {
                let start = ContinuousClock.now
                version = try await store.write(
                    Self.record(1, renewals: UInt64(renewal)), replacing: version, within: Self.patience)
                times.append(ContinuousClock.now - start)
            }
            #expect(try await store.read(within: Self.patience)?.record.renewals == 200)
            times.sort()
            print("renewals on \(kind.rawValue): p50 \(times[100]), p99 \(times[198]), slowest \(times[199])")
        }
    }

    /// The newest element of a watch.
    private final class Watching: Sendable {
        private let seen = Mutex<[StoredLease?]>([])
        private let task: Task<Void, Never>

        init(_ store: any LeaseStore) {
            let stream = store.changes()
            let (told, tell) = AsyncStream.makeStream(of: StoredLease?.self)
            task = Task {
                for await lease in stream { tell.yield(lease) }
                tell.finish()
            }
            Task { [weak self] in
                for await lease in told { self?.seen.withLock { $0.append(lease) } }
            }
        }

        func expect(_ lease: StoredLease?) async throws {
            _ = try await eventually("\(String(describing: lease)) in a watch") {
                let all = seen.withLock { $0 }
                guard let last = all.last, last == lease else { throw NotYet(seen: "\(all)") }
            }
        }

        var count: Int { seen.withLock { $0.count } }

        func cancel() async {
            task.cancel()
            await task.value
        }
    }

    @Test("a watch tells what is there, each change or the newest, and the removal", arguments: LeaseServerKind.all)
    func watch(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            let watching = Watching(try await server.store("main"))
            try await watching.expect(nil)
            var version: LeaseVersion?
            for renewal in 0..<5 {
                let record = Self.record(1, renewals: UInt64(renewal))
                version = try await store.write(record, replacing: version, within: Self.patience)
                try await watching.expect(StoredLease(record: record, version: #require(version)))
            }
            for renewal in 5..<50 {
                let record = Self.record(1, renewals: UInt64(renewal))
                version = try await store.write(record, replacing: version, within: Self.patience)
            }
            try await watching.expect(
                StoredLease(record: Self.record(1, renewals: 49), version: #require(version)))
            // A later one begins with what is there.
            let late = Watching(try await server.store("main"))
            try await late.expect(
                StoredLease(record: Self.record(1, renewals: 49), version: #require(version)))
            try await server.remove("main")
            try await watching.expect(nil)
            try await late.expect(nil)
            await watching.cancel()
            await late.cancel()
        }
    }

    @Test("a watch ends when the store is shut down, and calls fail after that", arguments: LeaseServerKind.all)
    func shutDown(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            let watching = Task { for await _ in store.changes() {} }
            _ = try await store.read(within: Self.patience)
            await store.shutDown()
            await watching.value
            await store.shutDown()
            for await _ in store.changes() { Issue.record("a watch of a store that is shut down tells something") }
            await Self.expectUnavailable { _ = try await store.read(within: Self.patience) }
        }
    }

    @Test(
        "a killed store is unavailable; started again it has the record, and a watch goes on",
        arguments: LeaseServerKind.all)
    func restart(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            let watching = Watching(try await server.store("main"))
            var version = try await store.write(Self.record(1), replacing: nil, within: Self.patience)
            try await watching.expect(StoredLease(record: Self.record(1), version: version))
            for round in 1...2 {
                try await server.kill()
                let known = version
                await Self.expectUnavailable { _ = try await store.read(within: .seconds(2)) }
                await Self.expectUnavailable {
                    _ = try await store.write(Self.record(9), replacing: known, within: .seconds(2))
                }
                try await server.start()
                let record = Self.record(1, renewals: UInt64(round))
                version = try await eventually("a write after the restart") {
                    do {
                        return try await store.write(record, replacing: known, within: Self.patience)
                    } catch let error as LeaseStoreError {
                        // Not refused, though an API server that starts answers 403.
                        guard case .unavailable = error else {
                            Issue.record("\(error)")
                            throw error
                        }
                        throw error
                    }
                }
                #expect(try await store.read(within: Self.patience) == StoredLease(record: record, version: version))
                try await watching.expect(StoredLease(record: record, version: version))
            }
            await watching.cancel()
        }
    }

    @Test(
        "a call to a frozen store ends at its deadline, and its write is decided later", arguments: LeaseServerKind.all)
    func frozen(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            let fresh = try await server.store("main")
            let version = try await store.write(Self.record(1), replacing: nil, within: Self.patience)
            try await server.freeze()
            // Over a connection that is there, and over a new one.
            for one in [store, fresh] {
                let start = Stopwatch()
                await Self.expectUnavailable { _ = try await one.read(within: .milliseconds(300)) }
                await Self.expectUnavailable {
                    _ = try await one.write(
                        Self.record(1, renewals: 1), replacing: version, within: .milliseconds(300))
                }
                // Without deadlines, silence counts after ten seconds for each.
                #expect(start.undisturbed < .seconds(5))
            }
            await Self.expectUnavailable { _ = try await store.read(within: .zero) }
            await Self.expectUnavailable { _ = try await store.read(within: .seconds(-1)) }
            try await server.thaw()
            let read = try await eventually("an answer after the thaw") {
                try #require(try await store.read(within: Self.patience))
            }
            // The write was carried out after all, or not: the version tells.
            #expect(read.record == (read.version == version ? Self.record(1) : Self.record(1, renewals: 1)))
            _ = try await eventually("a write after the thaw") {
                let known = try await store.read(within: Self.patience)
                return try await store.write(Self.record(2), replacing: known?.version, within: Self.patience)
            }
        }
    }

    @Test("a cancelled call ends at once", arguments: LeaseServerKind.all)
    func cancelled(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            _ = try await store.read(within: Self.patience)
            try await server.freeze()
            let call = Task { try await store.read(within: .seconds(600)) }
            call.cancel()
            await Self.expectUnavailable { _ = try await call.value }
            try await server.thaw()
        }
    }

    @Test("what is no record of ours is never written over", arguments: LeaseServerKind.all)
    func foreign(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            try await server.putForeign("main")
            for _ in 0..<2 {
                do {
                    _ = try await store.read(within: Self.patience)
                    Issue.record("a foreign record was read")
                } catch let error as LeaseStoreError {
                    guard case .unreadable(let reason) = error else {
                        Issue.record("\(error)")
                        return
                    }
                    #expect(reason.contains("main"), "\(reason)")
                }
                await #expect(throws: LeaseStoreError.self) {
                    try await store.write(Self.record(1), replacing: nil, within: Self.patience)
                }
            }
        }
    }

    @Test("a record that could not be read again is not written", arguments: LeaseServerKind.all)
    func unstorable(kind: LeaseServerKind) async throws {
        try await kind.withServer { server in
            let store = try await server.store("main")
            var record = Self.record(1)
            record.duration = .zero
            do {
                _ = try await store.write(record, replacing: nil, within: Self.patience)
                Issue.record("it was written")
            } catch let error as LeaseStoreError {
                guard case .unreadable = error else {
                    Issue.record("\(error)")
                    return
                }
            }
            #expect(try await store.read(within: Self.patience) == nil)
        }
    }

    static func expectUnavailable(
        _ body: () async throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        do {
            try await body()
            Issue.record("it succeeded", sourceLocation: sourceLocation)
        } catch LeaseStoreError.unavailable(let reason) {
            #expect(!reason.isEmpty, sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }
}
