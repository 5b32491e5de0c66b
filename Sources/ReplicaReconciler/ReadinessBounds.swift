public import RedisCore

/// When a replica is fit for reads: the probe's rule, with the bounds that need observations of the master.
///
/// | the replica | verdict |
/// |---|---|
/// | cannot be asked, or was not asked for long | not ready |
/// | would lose data by following the configured master | not ready, until that is settled |
/// | as ``ReadinessRule`` has it | as that has it |
/// | has its link up, and lacks more of the master's stream than a bound allows | not ready |
/// | has its link up, and the master was not looked at within the bound | judged by what came over the link |
/// | has lost its link | as ``ReadinessRule`` has it: stale reads beat no reads |
public struct ReadinessBounds: Equatable, Sendable {
    public var requiresLink = false
    /// The most bytes of the master's stream that the replica may lack.
    public var maximumLagBytes: Int64?
    /// How long ago a write may have been made that the replica lacks, in seconds.
    public var maximumLagSeconds: Int64?

    public init() {}

    /// - Parameters:
    ///   - master: the position of the master's stream at each observation.
    ///   - now: on the clock of that.
    public func verdict(on reconciler: Reconciler, by master: MasterOffsetHistory, at now: Duration) -> SidecarReadiness
    {
        if case .settled(.serverAway(let reason)) = reconciler.state { return .serverAway(reason) }
        guard let local = reconciler.local else { return .serverAway("has not been asked yet") }
        if reconciler.isOutdated(at: now) { return .serverAway("was not asked for more than 5 s") }
        if case .held(let change, let comparison) = reconciler.state { return .held(change, comparison) }
        let readiness = ReadinessRule(requiresLink: requiresLink).verdict(
            on: local.replication, isLoading: local.isLoading, version: local.version)
        guard case .ready(.inStep) = readiness, let link = local.replication.masterLink else {
            return .judged(readiness)
        }
        if let limit = maximumLagBytes, let lag = lagBytes(of: local.replication, link, by: master, at: now),
            lag > limit
        {
            return .judged(.notReady(.behind(bytes: lag, limit: limit)))
        }
        if let limit = maximumLagSeconds {
            if let token = master.token(
                noOlderThanNanoseconds: limit.saturatingMultiplied(by: 1_000_000_000), atNanoseconds: now.nanoseconds)
            {
                if local.replication.verdict(on: token) == .wait { return .late(limitSeconds: limit) }
            } else if let silence = link.silentSeconds, silence > limit {
                return .judged(.notReady(.silentMaster(seconds: silence, limit: limit)))
            }
        }
        return .judged(readiness)
    }

    /// What of the master's stream the replica lacks; `nil` where neither of the two tells.
    private func lagBytes(
        of replica: ReplicationInfo, _ link: ReplicationInfo.MasterLink, by master: MasterOffsetHistory,
        at now: Duration
    ) -> Int64? {
        master.lagBytes(of: replica, at: now)
            ?? link.receivedOffset.map { $0.saturatingSubtracting(link.appliedOffset) }
    }
}

extension MasterOffsetHistory {
    /// How long an observation of the master counts as current.
    static let freshness: Duration = .seconds(5)

    /// What a replica lacks of the master's stream at the last observation; `nil` where that is too old, or of another
    /// history.
    public func lagBytes(of replica: ReplicationInfo, at now: Duration) -> Int64? {
        guard let applied = replica.masterLink?.appliedOffset,
            let last = token(noOlderThanNanoseconds: Self.freshness.nanoseconds, atNanoseconds: now.nanoseconds),
            "\(last.replicationID)" == replica.replicationID
        else { return nil }
        return max(0, last.offset.saturatingSubtracting(applied))
    }
}

/// The answer of `/readyz`.
public enum SidecarReadiness: Equatable, Sendable {
    case serverAway(String)
    case held(Change, DataComparison)
    case late(limitSeconds: Int64)
    case judged(Readiness)

    public var isReady: Bool { if case .judged(let readiness) = self { readiness.isReady } else { false } }
}

extension SidecarReadiness: CustomStringConvertible {
    /// One line: the verdict, and why.
    public var description: String {
        switch self {
        case .serverAway(let reason): "not ready: the local server \(reason)"
        case .held(let change, let comparison): "not ready: blocked; would \(change), but \(comparison)"
        case .late(let limit): "not ready: lacks writes that are older than \(limit) s (--max-lag-seconds)"
        case .judged(let readiness): readiness.description
        }
    }
}

extension Duration {
    /// Whole nanoseconds.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
