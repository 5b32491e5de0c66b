import Failover

/// What a server counts of its changes: the same twice means that no command changed a key in between.
///
/// The offset says less: it grows by a PING every second while nothing is written.
package struct DataChanges: Equatable, Sendable {
    /// `rdb_changes_since_last_save`.
    package var sinceSave: String
    /// `rdb_last_save_time`: a save begins the count again.
    package var savedAt: String

    package init(sinceSave: String, savedAt: String) {
        self.sinceSave = sinceSave
        self.savedAt = savedAt
    }
}

/// How soon after the last write of the position file another position is written.
package enum PositionPace: Equatable, Sendable {
    /// The data are of another term or history, or of another process: the file would be wrong.
    case atOnce
    /// There may be new data: what is behind the position of the file would count as lost after the next start.
    case often(Duration)
    /// Only the stream went on. The file says less than there is, by PINGs alone.
    case seldom(Duration)

    /// How many times less often.
    package static let rest = 60

    /// - Parameters:
    ///   - changes: at that position; `nil` where the server does not say it.
    ///   - written: what the file has.
    ///   - interval: between two writes while data change.
    /// - Returns: `nil` where the file has it already.
    package init?(
        of position: StoredPosition, _ changes: DataChanges?, after written: StoredPosition?,
        _ writtenChanges: DataChanges?, interval: Duration
    ) {
        guard position != written else { return nil }
        if written?.position.term != position.position.term || written?.run != position.run
            || written?.position.history != position.position.history
        {
            self = .atOnce
        } else if written?.state != position.state || changes == nil || changes != writtenChanges {
            self = .often(interval)
        } else {
            self = .seldom(interval * Self.rest)
        }
    }

    package var interval: Duration {
        switch self {
        case .atOnce: .zero
        case .often(let interval), .seldom(let interval): interval
        }
    }
}
