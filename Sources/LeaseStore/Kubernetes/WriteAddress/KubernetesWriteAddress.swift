package import NIOCore
import Synchronization

/// Has a Service without selector lead to this pod, by an EndpointSlice for each family of addresses.
///
/// ``publish(term:)`` is called by the node that leads. On each other node ``waitUntilPublished(term:)`` says when
/// clients that connect again reach the new leader; at each of ``settleTimes`` after that, the old leader ends theirs.
package final class KubernetesWriteAddress: Sendable {
    /// How long after a change of an EndpointSlice clients are sent on: kube-proxy was seen to need 26 ms at the median
    /// and once 134 ms. Where something else has changed just before, such as a pod that ends, it needs a second: it
    /// applies changes at most once a second.
    package static let settleTimes: [Duration] = [
        .milliseconds(100), .milliseconds(300), .milliseconds(800), .milliseconds(1300),
    ]
    /// After that, no connection reaches the former leader.
    package static let settleTime = Duration.milliseconds(1300)
    /// How often the leader checks whether the Service still points to it.
    package static let recheckInterval = Duration.seconds(10)
    /// How long one question may take.
    static let questionLimit = Duration.seconds(3)

    /// For logs: `the address of the Kubernetes Service "redis/redis-master"`.
    package let description: String
    let settings: WriteAddressSettings
    private let http: StoreHTTP
    private let clients: [(family: AddressFamily, client: KubernetesClient<EndpointSlice>)]
    private let trouble: @Sendable (String) -> Void
    private let recheckInterval: Duration
    private let state = Mutex(State())

    private struct State {
        /// The newest term that was to be published.
        var publication: (term: UInt64, task: Task<WriteAddressError?, Never>)?
        var upkeep: Task<Void, Never>?
        var lastTrouble: String?
        var isShutDown = false

        mutating func end() {
            publication?.task.cancel()
            upkeep?.cancel()
            upkeep = nil
        }
    }

    /// - Parameters:
    ///   - eventLoop: for the connections.
    ///   - trouble: gets each new reason why the address was not written, with the cure; for the log.
    package init(
        _ settings: WriteAddressSettings, eventLoop: any EventLoop, recheckInterval: Duration = recheckInterval,
        trouble: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.settings = settings
        self.trouble = trouble
        self.recheckInterval = recheckInterval
        description = "the address of the Kubernetes Service \"\(settings.lease.namespace)/\(settings.service)\""
        let http = StoreHTTP(eventLoop: eventLoop)
        self.http = http
        // The family that this pod has comes first: clients wait for it.
        let families = AddressFamily.allCases.filter { settings.address(of: $0) != nil }
        clients = (families + AddressFamily.allCases.filter { !families.contains($0) }).map { family in
            var named = settings.lease
            named.name = settings.sliceName(family)
            let object = "the EndpointSlice \"\(named.namespace)/\(named.name)\""
            return (family, KubernetesClient(named, object: object, http: http))
        }
    }

    /// Has the Service lead here: tries until it does, however long the API server is away. Then looks now and then
    /// whether it still does, until a newer term is there.
    ///
    /// May be called again at any time; only one of them works at a time.
    package func publish(term: UInt64) async throws(WriteAddressError) {
        let task = try state.withLock { state throws(WriteAddressError) in
            guard !state.isShutDown else { throw WriteAddressError.stopped }
            if let running = state.publication {
                if running.term > term { throw WriteAddressError.superseded(by: running.term) }
                if running.term == term, state.upkeep == nil { return running.task }
            }
            state.end()
            let task = Task { await self.untilPublished(term: term) }
            state.publication = (term, task)
            return task
        }
        let error = await task.value
        state.withLock { state in
            guard state.publication?.term == term, !state.isShutDown, state.upkeep == nil, error == nil else { return }
            state.upkeep = Task { await self.keep(term: term) }
        }
        if let error { throw error }
    }

    /// Ends what ``publish(term:)`` does: this node no longer leads. The Service stays as it is, until the next leader
    /// writes it.
    package func stop() {
        state.withLock { state in
            state.end()
            state.publication = nil
        }
    }

    /// Returns once the Service leads to a leader of this term or of a newer one.
    ///
    /// - Throws: `CancellationError`.
    package func waitUntilPublished(term: UInt64) async throws {
        var backoff = Backoff(most: .seconds(1))
        while true {
            do throws(LeaseStoreError) {
                if let published = try await published(), published >= term { return }
                note(nil)
            } catch {
                note(error.description)
            }
            try await Task.sleep(for: backoff.next(chance: .random(in: 0...1)))
        }
    }

    /// Ends connections, and every call.
    package func shutDown() async {
        state.withLock { state in
            state.isShutDown = true
            state.end()
        }
        await http.shutDown()
    }

    // MARK: Publishing

    private func untilPublished(term: UInt64) async -> WriteAddressError? {
        var backoff = Backoff()
        while !Task.isCancelled {
            do throws(LeaseStoreError) {
                if let newer = try await write(term: term) { return .superseded(by: newer) }
                note(nil)
                return nil
            } catch .conflict {
                // Another client has changed it since: it is read again.
            } catch {
                if Task.isCancelled { break }
                note("\(description) was not written: \(error)")
            }
            try? await Task.sleep(for: backoff.next(chance: .random(in: 0...1)))
        }
        return .stopped
    }

    private func keep(term: UInt64) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: recheckInterval)
            if Task.isCancelled { return }
            if await untilPublished(term: term) != nil { return }
        }
    }

    /// - Returns: the term of a newer leader that has written it.
    private func write(term: UInt64) async throws(LeaseStoreError) -> UInt64? {
        for (family, client) in clients {
            let end = ContinuousClock.now + Self.questionLimit
            let found = try await find(client, until: end)
            let outcome: KubernetesClient<EndpointSlice>.Outcome
            switch WriteAddressStep(found, family: family, term: term, settings: settings) {
            case .nothing: continue
            case .superseded(let newer): return newer
            case .foreign(let reason): throw foreign(family, reason)
            case .create(let slice): outcome = try await client.ask(.create, slice, until: end)
            case .update(let slice): outcome = try await client.ask(.update, slice, until: end)
            }
            switch outcome {
            case .object: continue
            case .conflict: throw .conflict
            case .absent:
                // Removed since it was read, as after a conflict.
                throw .conflict
            }
        }
        return nil
    }

    private func find(
        _ client: KubernetesClient<EndpointSlice>, until end: ContinuousClock.Instant
    ) async throws(LeaseStoreError) -> EndpointSlice? {
        switch try await client.ask(.get, until: end) {
        case .object(let slice): return slice
        case .absent: return nil
        case .conflict: throw client.failure(.get, "answers 409")
        }
    }

    /// The term of the slices; the older one, where they differ. `nil` where there is none of ours.
    private func published() async throws(LeaseStoreError) -> UInt64? {
        var oldest: UInt64?
        for (family, client) in clients {
            guard let found = try await find(client, until: .now + Self.questionLimit) else { continue }
            do throws(ForeignSlice) {
                let term = try PublishedTerm(found, settings: settings).term ?? 0
                oldest = min(term, oldest ?? term)
            } catch {
                throw foreign(family, error.reason)
            }
        }
        return oldest
    }

    private func foreign(_ family: AddressFamily, _ reason: String) -> LeaseStoreError {
        let name = settings.sliceName(family)
        return .unreadable(
            "the EndpointSlice \"\(settings.lease.namespace)/\(name)\" \(reason). Give this installation a Service of "
                + "its own, or remove that one: kubectl -n \(settings.lease.namespace) delete endpointslice \(name)")
    }

    /// Tells each new reason once.
    private func note(_ reason: String?) {
        let isNew = state.withLock { state in
            defer { state.lastTrouble = reason }
            return reason != state.lastTrouble && !state.isShutDown
        }
        if isNew, let reason { trouble(reason) }
    }
}

/// Why an address was not written, for ever.
package enum WriteAddressError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A leader of a newer term has written it.
    case superseded(by: UInt64)
    /// By ``KubernetesWriteAddress/stop()``, a newer term or the end of the program.
    case stopped

    package var description: String {
        switch self {
        case .superseded(let term): "the Service leads to the leader of the newer term \(term)"
        case .stopped: "the address is no longer written: this node does not lead"
        }
    }
}
