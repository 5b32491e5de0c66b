package import Failover

/// Where the lease is kept: one record, read and replaced as a whole.
package protocol LeaseStore: Sendable {
    /// For logs: `the etcd lease "/redis/main"`, `the Kubernetes lease "redis/redis-master"`.
    var description: String { get }

    /// The record, as it is in the store and not in a cache of it; `nil` where there is none.
    ///
    /// - Parameter deadline: how long connecting, asking and reading may take together, from now.
    func read(within deadline: Duration) async throws(LeaseStoreError) -> StoredLease?

    /// Creates the record where `version` is `nil`, else replaces exactly that version.
    ///
    /// - Returns: the version that was written.
    /// - Throws: ``LeaseStoreError/conflict`` where the store holds another version.
    func write(
        _ record: LeaseRecord, replacing version: LeaseVersion?, within deadline: Duration
    ) async throws(LeaseStoreError) -> LeaseVersion

    /// The record after each change, the newest one only where the reader is slower; `nil` where it was removed.
    ///
    /// It begins with what is there, connects again by itself for ever, and ends when the iterating task is cancelled
    /// or the store is shut down. It is a hint: a change may come late or not at all, so the reader also asks.
    func changes() -> AsyncStream<StoredLease?>

    /// Ends connections and watches. Calls after it throw ``LeaseStoreError/unavailable(_:)``.
    func shutDown() async
}

/// A record, and which state of the store it is.
package struct StoredLease: Equatable, Sendable {
    package var record: LeaseRecord
    package var version: LeaseVersion

    package init(record: LeaseRecord, version: LeaseVersion) {
        self.record = record
        self.version = version
    }
}
