public import NIOCore
import RedisCore

/// How far a replica is behind, judged at each of its health checks by the master's one before it.
///
/// Between the two lies up to a second, in which the replica may have applied more than the master had written then: it is
/// in step where it has applied all of that.
public struct ReplicationLag: Equatable, Sendable {
    /// What the master had written when it was last asked.
    struct MasterSample: Equatable {
        let replicationID: String
        let offset: Int64
        let takenAt: NIODeadline

        /// For how long it says something of the master: two checks and a little.
        static let validity: TimeAmount = .seconds(3)
    }

    /// Bytes of the master's that the replica had not applied at its last check; `nil` where that is not known: one of the
    /// two cannot be asked, or they do not share a history.
    public private(set) var bytes: Int64?
    private var checkedAt: NIODeadline
    private var wasInStepAt: NIODeadline

    /// - Parameter now: when the replica began to be watched; counts as a time at which it was in step.
    init(watchedSince now: NIODeadline) {
        checkedAt = now
        wasInStepAt = now
    }

    /// - Parameter info: what the replica says of itself; `nil` where it cannot be asked.
    mutating func check(_ info: ReplicationInfo?, by master: MasterSample?, at now: NIODeadline) {
        checkedAt = now
        bytes = nil
        guard let info, let link = info.masterLink, let master, info.replicationID == master.replicationID,
            now - master.takenAt <= MasterSample.validity
        else { return }
        let behind = max(0, master.offset.saturatingSubtracting(link.appliedOffset))
        bytes = behind
        if behind == 0 { wasInStepAt = now }
    }

    /// Nanoseconds since a check last found the replica in step; 0 where the last check did.
    public func nanoseconds(at now: NIODeadline) -> Int64 { bytes == 0 ? 0 : (now - wasInStepAt).nanoseconds }

    /// What two event loops know together: the younger check counts, and the younger time in step.
    package func merged(with other: ReplicationLag) -> ReplicationLag {
        var merged = checkedAt >= other.checkedAt ? self : other
        merged.wasInStepAt = max(wasInStepAt, other.wasInStepAt)
        return merged
    }
}
