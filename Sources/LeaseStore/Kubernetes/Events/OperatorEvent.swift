/// What happened to a node, for people who look at its pod in Kubernetes.
package struct OperatorEvent: Equatable, Sendable {
    /// `kubectl get events` shows it as REASON.
    package enum Reason: String, Sendable, CaseIterable {
        /// This node leads from now on.
        case leads = "Leads"
        /// Its server takes no writes any more.
        case fenced = "Fenced"
        /// The same, as part of a planned change.
        case handedOver = "HandedOver"
        /// No node is promoted; the note says by which rule.
        case blocked = "FailoverBlocked"
        /// What only this former leader had is in a file.
        case keptRollback = "RollbackKept"
        /// … and could not be kept, so the node does not follow.
        case notKept = "RollbackNotKept"
    }

    package var reason: Reason
    /// One sentence. Of more than 1024 bytes, the beginning is sent. No secret.
    package var note: String

    package init(_ reason: Reason, note: String) {
        self.reason = reason
        self.note = note
    }
}

/// Which events are sent: an agent that goes round in circles must not fill the API server.
struct EventLimiter: Equatable, Sendable {
    /// So many at once …
    static let burst = 10
    /// … and then one after each such time.
    static let interval = Duration.seconds(10)
    /// The same one is not sent again within this time.
    static let repetition = Duration.seconds(60)

    private var tokens = burst
    private var refilledAt: ContinuousClock.Instant?
    private var recent: [(event: OperatorEvent, at: ContinuousClock.Instant)] = []

    mutating func allows(_ event: OperatorEvent, at now: ContinuousClock.Instant) -> Bool {
        recent.removeAll { now - $0.at >= Self.repetition }
        guard !recent.contains(where: { $0.event == event }) else { return false }
        refill(now)
        guard tokens > 0 else { return false }
        tokens -= 1
        recent.append((event, now))
        return true
    }

    private mutating func refill(_ now: ContinuousClock.Instant) {
        guard let last = refilledAt else {
            refilledAt = now
            return
        }
        let passed = Int(clamping: (now - last) / Self.interval)
        guard passed > 0 else { return }
        tokens = min(Self.burst, tokens + min(passed, Self.burst))
        refilledAt = tokens == Self.burst ? now : last + Self.interval * passed
    }

    static func == (left: Self, right: Self) -> Bool {
        left.tokens == right.tokens && left.refilledAt == right.refilledAt
            && left.recent.elementsEqual(right.recent) { $0.event == $1.event && $0.at == $1.at }
    }
}

extension Int {
    fileprivate init(clamping value: Double) {
        self = value >= 1e9 ? 1_000_000_000 : value <= 0 ? 0 : Int(value)
    }
}
