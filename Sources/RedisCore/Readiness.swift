/// Whether a server shall get reads: the rule of the readiness probe, judged by what the server says of itself.
///
/// | the server | verdict |
/// |---|---|
/// | reads its data from disk | not ready |
/// | is a master | ready |
/// | is a replica in a full synchronisation | not ready: the data set is about to be replaced |
/// | is a replica that never had its link up in this life | not ready: it would answer nil for keys that exist |
/// | is a replica that a full copy emptied, which it could not load | not ready: the same |
/// | is a replica whose link is up | ready |
/// | is a replica whose link is down, with `replica-serve-stale-data no` | not ready: it answers no read |
/// | is a replica that lost its link since | ready, and says so: stale reads beat no reads when the master dies |
public struct ReadinessRule: Equatable, Sendable {
    /// A replica whose link is down is not ready.
    public var requiresLink = false
    /// The longest a master may not have been heard, in seconds. An idle master pings every
    /// `repl-ping-replica-period` (10 s): less than that comes and goes by itself. Once the link is lost the seconds count
    /// from its loss, which is noticed up to `repl-timeout` (60 s) after the master fell silent.
    public var maximumSilenceSeconds: Int64?
    /// The most bytes received and not yet applied. What the master wrote and did not send yet, only the master knows;
    /// before 7.0 a replica does not tell what it received either.
    public var maximumUnappliedBytes: Int64?

    public init(
        requiresLink: Bool = false, maximumSilenceSeconds: Int64? = nil, maximumUnappliedBytes: Int64? = nil
    ) {
        self.requiresLink = requiresLink
        self.maximumSilenceSeconds = maximumSilenceSeconds
        self.maximumUnappliedBytes = maximumUnappliedBytes
    }

    /// - Parameters:
    ///   - isLoading: `loading` of `INFO persistence`.
    ///   - version: the server's, for the words; empty where it is not known.
    public func verdict(on info: ReplicationInfo, isLoading: Bool, version: String = "") -> Readiness {
        guard info.role == .replica, let link = info.masterLink else {
            return isLoading ? .notReady(.loading) : .ready(.master)
        }
        // Loading what the master sent is the last part of a synchronisation, and is reported as that.
        if link.isSynchronising { return .notReady(.synchronising) }
        if isLoading { return .notReady(.loading) }
        // A replica that starts has no keys either, and as little of a place in the stream.
        if !link.hasBeenUp { return .notReady(.neverSynchronised) }
        if link.lostItsData { return .notReady(.emptied(version: version)) }
        if !link.isUp, link.refusesStaleReads { return .notReady(.refusesStaleReads) }
        if !link.isUp, requiresLink { return .notReady(.linkDown(seconds: link.downSeconds ?? 0)) }
        if let limit = maximumSilenceSeconds {
            let silence = link.isUp ? link.silentSeconds ?? 0 : link.downSeconds ?? 0
            if silence > limit { return .notReady(.silentMaster(seconds: silence, limit: limit)) }
        }
        if let limit = maximumUnappliedBytes {
            guard let received = link.receivedOffset else { return .notReady(.lagUnknown) }
            let lag = received.saturatingSubtracting(link.appliedOffset)
            if lag > limit { return .notReady(.behind(bytes: lag, limit: limit)) }
        }
        return .ready(link.isUp ? .inStep : .linkLost(seconds: link.downSeconds ?? 0))
    }
}

/// The verdict of a ``ReadinessRule``.
public enum Readiness: Equatable, Sendable {
    case ready(Standing)
    case notReady(Obstacle)

    public enum Standing: Equatable, Sendable {
        case master
        /// A replica whose link is up.
        case inStep
        /// A replica that was in step and serves what it had then.
        case linkLost(seconds: Int64)
    }

    public enum Obstacle: Equatable, Sendable {
        case loading
        case synchronising
        case neverSynchronised
        /// A full copy began, could not be loaded, and left nothing of the data.
        case emptied(version: String)
        /// `replica-serve-stale-data no`, and the link is down.
        case refusesStaleReads
        case linkDown(seconds: Int64)
        case silentMaster(seconds: Int64, limit: Int64)
        case behind(bytes: Int64, limit: Int64)
        case lagUnknown
    }
}

extension Readiness: CustomStringConvertible {
    /// One line: the verdict, and why.
    public var description: String {
        switch self {
        case .ready(.master): "ready: master"
        case .ready(.inStep): "ready: replica, its link to the master is up"
        case .ready(.linkLost(let seconds)):
            "ready: replica that lost its master \(seconds) s ago; what it answers may be stale"
        case .notReady(.loading): "not ready: loading its data from disk"
        case .notReady(.synchronising): "not ready: in a full synchronisation with its master"
        case .notReady(.neverSynchronised): "not ready: has not synchronised with its master since it started"
        case .notReady(.emptied(let version)):
            """
            not ready: a full copy from its master could not be loaded, and left no data: see the server's log. A \
            server\(version.isEmpty ? "" : " of version \(version)") cannot load the copy of a newer one: upgrade replicas \
            before the master
            """
        case .notReady(.refusesStaleReads):
            """
            not ready: the link to the master is down, and with replica-serve-stale-data no every read is answered \
            MASTERDOWN
            """
        case .notReady(.linkDown(let seconds)):
            "not ready: the link to the master is down since \(seconds) s, and --require-link asks for it"
        case .notReady(.silentMaster(let seconds, let limit)):
            "not ready: the master was not heard for \(seconds) s, more than --max-lag-seconds \(limit)"
        case .notReady(.behind(let bytes, let limit)):
            "not ready: \(bytes) bytes received and not yet applied, more than --max-lag-bytes \(limit)"
        case .notReady(.lagUnknown):
            "not ready: --max-lag-bytes needs redis-server 7.0, this one does not tell what it has received"
        }
    }

    public var isReady: Bool { if case .ready = self { true } else { false } }
}
