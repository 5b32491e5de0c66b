import RedisCore

/// A replica that was pointed elsewhere, it is not yet known by whom, as a value.
///
/// ```
/// none ─follows an address that no one named─▶ unproven ─a server was seen there, and is followed still─▶ none: recorded
///                                                │ ▲ ▼ no server, or a placeholder
///                                                └─▶ none: follows a known address again
/// ```
/// A placeholder ends only after the replica was pointed back. So an observation of the replica that began after a server was
/// seen at that address proves that it follows the server, and not what was there before.
struct UnprovenMove: Equatable, Sendable {
    /// After this it is an alarm.
    static let patience: Duration = .seconds(30)

    private(set) var address: MasterAddress?
    private var since: Duration = .zero
    private var isPlaceholder = false
    /// When a server was seen there.
    private var seenAt: Duration?

    /// Whether whom the local server follows may be recorded.
    ///
    /// - Parameters:
    ///   - isKnown: whether it was named, or recorded before.
    ///   - begin: when the local server was asked.
    mutating func isProven(
        _ following: MasterRecord.Following, isKnown: Bool, askedAt begin: Duration, at now: Duration
    ) -> Bool {
        guard !isKnown, case .master(let address) = following else {
            self = UnprovenMove()
            return true
        }
        if self.address != address {
            self = UnprovenMove()
            self.address = address
            since = now
        }
        guard let seenAt, begin >= seenAt else { return false }
        self = UnprovenMove()
        return true
    }

    /// - Parameter now: when it has answered.
    mutating func see(_ standing: ObservedMaster.Standing, at address: MasterAddress, now: Duration) {
        guard address == self.address else { return }
        switch standing {
        case .placeholder: isPlaceholder = true
        case .unreachable: break
        case .master, .replica, .loading, .refuses:
            isPlaceholder = false
            if seenAt == nil { seenAt = now }
        }
    }

    /// What is said of it; `nil` where there is none.
    func rest(at now: Duration) -> Assessment.Rest? {
        guard let address else { return nil }
        if isPlaceholder { return .restoresMaster(address) }
        return .unprovenMove(address, isLate: now - since >= Self.patience)
    }
}
