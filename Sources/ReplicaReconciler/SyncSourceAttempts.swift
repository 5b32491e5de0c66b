import RedisCore

/// How many full copies of this replica failed, by its sync source's own report, as a value: its input is observations of it.
///
/// A copy may fail before its first byte, because the source's save process refuses the data for this replica's version, or is
/// killed. Every observation then finds the replica waiting. The source counts the requests for a full copy (`sync_full`), so
/// while this replica waits, each further request means that an attempt failed.
///
/// The count is that of all replicas. So it is divided by the most replicas that waited for a copy at any look.
struct SyncSourceAttempts: Equatable, Sendable {
    private var runID = ""
    private var requests: Int64?
    private var rises: Int64 = 0
    private var mostWaiting: Int64 = 1
    /// The attempt that is under way was requested before the first observation, or is among `rises`.
    private var hasCountedCurrent = false

    /// How many attempts have failed.
    var failures: Int {
        let failed = hasCountedCurrent ? rises : rises.saturatingSubtracting(1)
        return Int(clamping: max(0, failed) / mostWaiting)
    }

    /// - Parameter source: the server that the replica waits for.
    mutating func see(_ source: ServerInformation) {
        guard let now = source.fullCopyRequests else {
            self = SyncSourceAttempts()
            return
        }
        let waiting = Int64(source.replicasWaitingForCopy)
        guard source.runID == runID, let before = requests, now >= before else {
            self = SyncSourceAttempts()
            runID = source.runID
            requests = now
            hasCountedCurrent = waiting > 0
            mostWaiting = max(1, waiting)
            return
        }
        requests = now
        rises = rises.saturatingAdding(now.saturatingSubtracting(before))
        mostWaiting = max(mostWaiting, waiting)
    }

    /// Bytes of a copy came: what went before is over, and a copy that fails later shows on the replica itself.
    mutating func noteProgress() {
        rises = 0
        hasCountedCurrent = true
    }
}

extension ServerInformation {
    /// How many full copies replicas have asked this server for, in its life; `nil` where it does not say.
    var fullCopyRequests: Int64? { fields["sync_full"].flatMap { Int64($0) } }

    /// How many replicas are attached that wait for a copy or get one; each once, though it may be listed with two connections.
    var replicasWaitingForCopy: Int {
        var waiting: [ReplicationInfo.AttachedReplica] = []
        for replica in replication.replicas where replica.state != "online" {
            if !waiting.contains(where: { $0.address == replica.address && $0.port == replica.port }) {
                waiting.append(replica)
            }
        }
        return waiting.count
    }
}
