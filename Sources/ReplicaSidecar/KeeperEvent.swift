public import Replication

extension ReplicaKeeper {
    /// What is worth a line in the log and a number in the metrics.
    public enum Event: Equatable, Sendable {
        case suspects(Change)
        case waits(Change, forSeconds: Int64)
        case held(Change, DataComparison)
        case released(Change)
        case confirmed(Change)
        case rehearsed(Change, DataComparison)
        case performs(Change, DataComparison)
        case performed(Change)
        case failed(Change, String)
        case movedByHand(MasterRecord.Following)
        case emptied(keys: Int64)
        case lossAcknowledged(keys: Int64)
        case alarm(Assessment.Rest)
        case alarmOver(Assessment.Rest)
    }
}

extension ReplicaKeeper.Event {
    public enum Severity: Equatable, Sendable { case debug, info, warning, error }

    public var severity: Severity {
        switch self {
        case .performs(_, .unrelated): .warning
        case .suspects, .performs: .debug
        case .waits, .released, .performed, .confirmed, .movedByHand, .rehearsed, .lossAcknowledged, .alarmOver: .info
        case .alarm, .failed: .warning
        case .held, .emptied: .error
        }
    }
}

extension ReplicaKeeper.Event: CustomStringConvertible {
    public var description: String {
        switch self {
        case .suspects(let change): "may have to \(change)"
        case .waits(let change, let seconds): "will \(change), in \(seconds) s: the last change is too recent"
        case .held(let change, let comparison):
            """
            held: would \(change), but \(comparison). This replica stays as it is and is not ready. Bring the data back, or \
            confirm: curl -X POST http://127.0.0.1:<port>/v1/confirm
            """
        case .released(let change): "no longer held: to \(change) is not asked for any more"
        case .confirmed(let change): "confirmed by an operator: \(change)"
        case .rehearsed(let change, let comparison): "dry run: would \(change); \(comparison)"
        case .performs(let change, let comparison): "will \(change); \(comparison)"
        case .performed(let change): "done: \(change)"
        case .failed(let change, let reason): "could not \(change); \(reason)"
        case .movedByHand(let following):
            "follows \(following) by hand now; that is recorded, and stays until the environment names another master"
        case .emptied(let keys):
            """
            a full synchronisation has left nothing of \(keys) keys: the master came back empty. Restore it from a backup \
            or from a replica that still has the data
            """
        case .lossAcknowledged(let keys): "acknowledged by an operator: the loss of \(keys) keys"
        case .alarm(let rest): "\(rest)"
        case .alarmOver(let rest): "over: \(rest)"
        }
    }
}
