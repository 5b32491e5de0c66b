package import Failover
import Glibc
package import NIOCore
internal import RedisCore
import Synchronization

/// The lease as a Lease of Kubernetes, over the pod's service account.
///
/// The record is in an annotation; the fields of `spec` show it to people. A write is a PUT with the version that it
/// replaces.
package final class KubernetesLeaseStore: LeaseStore {
    package let description: String
    private let settings: KubernetesSettings
    private let http: StoreHTTP
    let client: KubernetesClient<KubernetesLease>
    private let watches = LeaseWatches()
    private let trouble: @Sendable (LeaseStoreError) -> Void
    /// The object as it was last seen: labels and owners that others gave it are kept by a write.
    private let known = Mutex<KubernetesLease?>(nil)

    /// - Parameters:
    ///   - eventLoop: for the connections.
    ///   - trouble: gets each new reason why a watch does not work; for the log.
    package init(
        _ settings: KubernetesSettings, eventLoop: any EventLoop,
        trouble: @escaping @Sendable (LeaseStoreError) -> Void = { _ in }
    ) {
        self.settings = settings
        self.trouble = trouble
        description = "the Kubernetes lease \"\(settings.namespace)/\(settings.name)\""
        http = StoreHTTP(eventLoop: eventLoop)
        client = KubernetesClient(settings, object: description, http: http)
    }

    package func read(within deadline: Duration) async throws(LeaseStoreError) -> StoredLease? {
        guard let object = try await find(until: .now + deadline) else { return nil }
        return try stored(object)
    }

    package func write(
        _ record: LeaseRecord, replacing version: LeaseVersion?, within deadline: Duration
    ) async throws(LeaseStoreError) -> LeaseVersion {
        let end = ContinuousClock.now + deadline
        let text = try LeaseText.storable(record, in: description)
        if let version {
            var object = known.withLock { $0 }
            if object?.metadata.resourceVersion != version.text { object = try await find(until: end) }
            guard let object, object.metadata.resourceVersion == version.text else { throw .conflict }
            return try await put(record, text, replacing: object, until: end)
        }
        let new = object(record, text, replacing: nil)
        switch try await client.ask(.create, new, until: end) {
        case .object(let written): return remember(written)
        case .absent: throw client.failure(.create, "answers 404")
        case .conflict:
            // It may be there and empty: made for us, so that we need no right to create it.
            guard let object = try await find(until: end), try stored(object) == nil else { throw .conflict }
            return try await put(record, text, replacing: object, until: end)
        }
    }

    package func changes() -> AsyncStream<StoredLease?> { watches.start(self, trouble: trouble) }

    package func shutDown() async {
        await watches.shutDown()
        await http.shutDown()
    }

    // MARK: The object

    func find(until end: ContinuousClock.Instant) async throws(LeaseStoreError) -> KubernetesLease? {
        switch try await client.ask(.get, until: end) {
        case .object(let object):
            _ = remember(object)
            return object
        case .absent: return nil
        case .conflict: throw client.failure(.get, "answers 409")
        }
    }

    private func put(
        _ record: LeaseRecord, _ text: String, replacing object: KubernetesLease, until end: ContinuousClock.Instant
    ) async throws(LeaseStoreError) -> LeaseVersion {
        switch try await client.ask(.update, self.object(record, text, replacing: object), until: end) {
        case .object(let written): return remember(written)
        case .absent, .conflict: throw .conflict
        }
    }

    private func object(
        _ record: LeaseRecord, _ text: String, replacing known: KubernetesLease?
    ) -> KubernetesLease {
        KubernetesLease(
            record, text: text, replacing: known, namespace: settings.namespace, name: settings.name,
            now: MicroTime.now())
    }

    private func remember(_ object: KubernetesLease) -> LeaseVersion {
        known.withLock { $0 = object }
        return LeaseVersion(object.metadata.resourceVersion ?? "")
    }

    /// `nil` for an object with nothing in it.
    func stored(_ object: KubernetesLease) throws(LeaseStoreError) -> StoredLease? {
        do throws(ForeignLease) {
            return try object.record.map {
                StoredLease(record: $0, version: LeaseVersion(object.metadata.resourceVersion ?? ""))
            }
        } catch {
            throw .unreadable("\(description) \(error.reason). \(cure)")
        }
    }

    private var cure: String {
        "Give this installation a lease name of its own, or remove that one: "
            + "kubectl -n \(settings.namespace) delete lease \(settings.name)"
    }
}

extension ForeignLease {
    fileprivate var reason: String {
        switch self {
        case .otherProgram(let holder):
            "is used by another program\(holder.map { ", as \"\(printable($0.utf8, limit: 80))\"" } ?? "")"
        case .text(let error): "holds \(error.reason)"
        }
    }
}

extension MicroTime {
    fileprivate static func now() -> String {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return text(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
    }
}
