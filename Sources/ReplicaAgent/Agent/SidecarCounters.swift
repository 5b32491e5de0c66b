import ReplicaReconciler

/// What has happened since this process started.
struct SidecarCounters {
    /// Changes of master that were carried out: REPLICAOF, and a link closed so that Redis connects again.
    var follows = 0
    var reconnects = 0
    var failures = 0
    var holds = 0
    var confirmations = 0
    /// What a dry run would have done.
    var rehearsals = 0
    var movesByHand = 0
    var lostDatasets = 0

    mutating func note(_ event: Reconciler.Event) {
        switch event {
        case .performed(let change) where change.isSameName: reconnects += 1
        case .performed: follows += 1
        case .failed: failures += 1
        case .held: holds += 1
        case .confirmed, .lossAcknowledged: confirmations += 1
        case .rehearsed: rehearsals += 1
        case .movedByHand: movesByHand += 1
        case .emptied: lostDatasets += 1
        case .suspects, .waits, .released, .performs, .alarm, .alarmOver, .copiesFail, .copiesWork, .commandsMissing:
            break
        }
    }
}
