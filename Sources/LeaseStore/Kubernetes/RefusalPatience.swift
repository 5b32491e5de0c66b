/// What is done with the Lease, in the words of Kubernetes' rights.
enum KubernetesVerb: String, CaseIterable, Sendable {
    case get, create, update, watch
}

/// Since when a right is refused: right after its start an API server refuses what it allows later.
struct RefusalPatience: Sendable {
    /// After that, a refusal is one.
    static let limit = Duration.seconds(10)
    /// Refusals that are further apart have nothing to do with each other.
    static let gap = Duration.seconds(30)

    private var seen: [KubernetesVerb: (first: ContinuousClock.Instant, last: ContinuousClock.Instant)] = [:]

    /// - Returns: whether it has lasted too long for an API server that starts.
    mutating func refused(_ verb: KubernetesVerb, at now: ContinuousClock.Instant) -> Bool {
        let before = seen[verb]
        let first = before.map { now - $0.last > Self.gap ? now : $0.first } ?? now
        seen[verb] = (first, now)
        return now - first > Self.limit
    }

    mutating func allowed(_ verb: KubernetesVerb) { seen[verb] = nil }
}
