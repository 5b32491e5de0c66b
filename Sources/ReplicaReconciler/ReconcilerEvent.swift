public import RedisCore

extension Reconciler {
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
        case copiesFail(CopyWatch.Failure)
        case copiesWork
        case commandsMissing([String])
        case alarm(Assessment.Rest)
        case alarmOver(Assessment.Rest)
    }
}

extension Reconciler.Event {
    public enum Severity: Equatable, Sendable { case debug, info, warning, error }

    public var severity: Severity {
        switch self {
        case .performs(_, .unrelated): .warning
        case .suspects, .performs: .debug
        case .waits, .released, .performed, .confirmed, .movedByHand, .rehearsed, .lossAcknowledged, .alarmOver,
            .copiesWork:
            .info
        case .alarm, .failed: .warning
        case .held, .emptied, .copiesFail, .commandsMissing: .error
        }
    }
}

extension Reconciler.Event: CustomStringConvertible {
    public var description: String {
        switch self {
        case .suspects(let change): "may have to \(change)"
        case .waits(let change, let seconds): "will \(change), in \(seconds) s: the last change is too recent"
        case .held(let change, let comparison):
            """
            blocked: would \(change), but \(comparison). This replica stays as it is and is not ready. Restore the data, or \
            confirm in the container of the sidecar: redis-replica-sidecar confirm
            """
        case .released(let change): "no longer blocked: to \(change) is no longer needed"
        case .confirmed(let change): "confirmed by an operator: \(change)"
        case .rehearsed(let change, let comparison): "dry run: would \(change); \(comparison)"
        case .performs(let change, let comparison): "will \(change); \(comparison)"
        case .performed(let change): "done: \(change)"
        case .failed(let change, let reason): "could not \(change); \(reason)"
        case .movedByHand(let following):
            "follows \(following) by a manual override now; that is recorded, and stays until the environment names another master"
        case .emptied(let keys):
            """
            a full synchronisation has left nothing of \(keys) keys: the master came back empty. Restore it from a backup \
            or from a replica that still has the data
            """
        case .lossAcknowledged(let keys): "acknowledged by an operator: the loss of \(keys) keys"
        case .copiesFail(let failure): "\(failure)"
        case .commandsMissing(let names):
            """
            the local server does not know \(names.joined(separator: ", ")): its configuration renames it (rename-command), so \
            that this replica cannot be moved to another master. Remove the line, and take the right from users by ACL instead
            """
        case .copiesWork: "over: full copies from the master fail no longer"
        case .alarm(let rest): "\(rest)"
        case .alarmOver(let rest): "over: \(rest)"
        }
    }
}

extension Reconciler {
    /// What an operator should look at, regardless of the state.
    public enum Alarm: Equatable, Sendable {
        case emptied(keys: Int64)
        case copiesFail(CopyWatch.Failure)
        case commandsMissing([String])
    }
}

extension Reconciler.Alarm: CustomStringConvertible {
    public var description: String {
        switch self {
        case .emptied(let keys): "\(Reconciler.Event.emptied(keys: keys))"
        case .copiesFail(let failure): "\(failure)"
        case .commandsMissing(let names): "\(Reconciler.Event.commandsMissing(names))"
        }
    }
}
