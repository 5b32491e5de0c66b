package import Failover
internal import FoundationEssentials
package import NIOCore

/// The lease as one key of etcd v3, over its JSON gateway.
package final class EtcdLeaseStore: LeaseStore {
    package let description: String
    private let key: Data
    private let client: EtcdClient
    private let watches = LeaseWatches()
    private let trouble: @Sendable (LeaseStoreError) -> Void

    /// - Parameters:
    ///   - eventLoop: for the connections.
    ///   - trouble: gets each new reason why a watch does not work; for the log.
    package init(
        _ settings: EtcdSettings, eventLoop: any EventLoop,
        trouble: @escaping @Sendable (LeaseStoreError) -> Void = { _ in }
    ) {
        description = "the etcd lease \"\(settings.key)\""
        key = Data(settings.key.utf8)
        client = EtcdClient(settings, lease: description, eventLoop: eventLoop)
        self.trouble = trouble
    }

    package func read(within deadline: Duration) async throws(LeaseStoreError) -> StoredLease? {
        try await find(within: deadline).lease
    }

    package func write(
        _ record: LeaseRecord, replacing version: LeaseVersion?, within deadline: Duration
    ) async throws(LeaseStoreError) -> LeaseVersion {
        let value = try LeaseText.storable(record, in: description)
        var replaced: EtcdVersion?
        if let version {
            guard let known = EtcdVersion(text: version.text) else { throw .conflict }
            replaced = known
        }
        let answer: EtcdMessage.PutAnswer = try await client.ask(
            "kv/txn", EtcdMessage.Put(key: key, value: Data(value.utf8), replacing: replaced), isRepeatable: false,
            within: deadline, purpose: "written")
        guard answer.succeeded == true else { throw .conflict }
        let revision = try revision(of: answer.header)
        return LeaseVersion(EtcdVersion(modified: revision, created: replaced?.created ?? revision).text)
    }

    package func changes() -> AsyncStream<StoredLease?> { watches.start(self, trouble: trouble) }

    package func shutDown() async {
        await watches.shutDown()
        await client.shutDown()
    }

    /// The lease, and the revision of the whole store that showed it.
    private func find(
        within deadline: Duration
    ) async throws(LeaseStoreError) -> (lease: StoredLease?, revision: Int64) {
        let answer: EtcdMessage.RangeAnswer = try await client.ask(
            "kv/range", EtcdMessage.Range(key: key), isRepeatable: true, within: deadline, purpose: "read")
        let revision = try revision(of: answer.header)
        guard let stored = answer.kvs?.first else { return (nil, revision) }
        return (try lease(stored), revision)
    }

    private func lease(_ stored: EtcdMessage.Stored) throws(LeaseStoreError) -> StoredLease {
        guard let version = stored.version else { throw noRevision }
        do {
            let record = try LeaseText.record(in: stored.value ?? Data())
            return StoredLease(record: record, version: LeaseVersion(version.text))
        } catch {
            throw .unreadable(
                "\(description) holds \(error.reason): give this installation another key, or remove that one")
        }
    }

    private func revision(of header: EtcdMessage.Header?) throws(LeaseStoreError) -> Int64 {
        guard let revision = header?.revision else { throw noRevision }
        return revision
    }

    private var noRevision: LeaseStoreError { .unavailable("\(description): the answer of etcd names no revision") }
}

extension EtcdLeaseStore: WatchedStore {
    func readForWatch() async throws(LeaseStoreError) -> (lease: StoredLease?, position: Int64) {
        let (lease, revision) = try await find(within: StoreHTTP.connectTime * 3)
        return (lease, revision + 1)
    }

    func follow(
        from position: inout Int64, tell: (StoredLease?) -> Void
    ) async throws(LeaseStoreError) {
        let message = EtcdMessage.Watch(createRequest: .init(key: key, startRevision: position))
        var next = position
        defer { position = next }
        var isExpired = false
        try await client.follow("watch", message) { bytes throws(LeaseStoreError) in
            guard let line = EtcdMessage.decoded(EtcdMessage.WatchLine.self, bytes) else {
                throw .unavailable("\(description): etcd sends a watch that cannot be read")
            }
            if line.result?.compactRevision != nil {
                isExpired = true
                return false
            }
            guard let result = line.result, result.canceled != true else {
                throw client.watchEnded(line.result?.cancelReason ?? line.error?.message)
            }
            guard let event = result.events?.last else { return true }
            if let revision = event.kv.modRevision, revision < Int64.max { next = revision + 1 }
            tell(event.type == "DELETE" ? nil : try lease(event.kv))
            return true
        }
        if isExpired {
            // etcd has forgotten what came after that revision.
            let (lease, now) = try await readForWatch()
            tell(lease)
            next = now
        }
    }
}
