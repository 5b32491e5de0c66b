import RedisCore
public import Telemetry

/// What one event loop has counted of Redis, and how it is now; a value, to be taken elsewhere.
public struct RedisStatistics: Sendable {
    public struct Server: Sendable {
        public let endpoint: RedisEndpoint
        public var connects: Int
        public var reconnects: Int
        /// By ``RedisTrouble``.
        public var failures: [Int]
        /// Submissions that wait for a reply.
        public var inFlight: Int
        /// `nil` for the master.
        public var lag: ReplicationLag?

        /// The numbers of two event loops as one.
        public mutating func merge(_ other: Server) {
            connects += other.connects
            reconnects += other.reconnects
            failures = zip(failures, other.failures).map { $0 + $1 }
            inFlight += other.inFlight
            lag = lag.map { lag in other.lag.map(lag.merged) ?? lag } ?? other.lag
        }
    }

    /// A server in the part that it is asked in.
    public struct Part: Sendable {
        public let endpoint: RedisEndpoint
        /// ``AskedRole/master`` for the server that writes go to, ``AskedRole/replica`` for the others.
        public let role: AskedRole
        /// Whether a command would be sent to it in this part.
        public var isUp: Bool
        /// Why its history keeps it out of reads, as a word; `nil` where it does not.
        public var exclusion: String?
    }

    /// By ``AskedRole``.
    public var durations: [DurationHistogram]
    public var servers: [Server]
    public var parts: [Part]
    /// How often another server became the master, for the whole process.
    public var masterChanges: Int
    /// How many servers say that they are the master behind its name, for the whole process.
    public var masters: Int
    public var waitingWrites: Int
    public var acknowledgedWrites: Pool
    /// What the Sentinels say, for the whole process; `nil` where they do not decide.
    public var sentinel: SentinelReport?

    /// The connections for writes that wait for replicas.
    public struct Pool: Equatable, Sendable {
        public var open: Int
        public var busy: Int
        /// Writes that wait for one.
        public var queued: Int
    }
}

extension RedisLoop {
    /// What this loop has counted, and how its servers are now.
    public var statistics: RedisStatistics {
        let connections = [master] + replicas
        let lagging = Set(replicas.map(\.endpoint)).subtracting([master.endpoint])
        return RedisStatistics(
            durations: counters.durations.histograms,
            servers: counters.servers.map { endpoint, server in
                .init(
                    endpoint: endpoint, connects: server.connects, reconnects: server.reconnects,
                    failures: server.failures,
                    inFlight: connections.reduce(0) { $0 + ($1.endpoint == endpoint ? $1.inFlight : 0) },
                    lag: lagging.contains(endpoint) ? server.lag : nil)
            },
            parts: [
                .init(
                    endpoint: master.endpoint, role: .master, isUp: master.isReadyForWrites && takesWrites)
            ]
                + replicas.map {
                    .init(endpoint: $0.endpoint, role: .replica, isUp: $0.isReady, exclusion: $0.exclusionWord)
                },
            masterChanges: masterChanges, masters: masters,
            waitingWrites: waitingWrites.count,
            acknowledgedWrites: .init(
                open: acknowledgedWrites.usage.open, busy: acknowledgedWrites.usage.busy,
                queued: acknowledgedWrites.usage.queued),
            sentinel: sentinelReport)
    }
}

extension RedisStatistics {
    /// The numbers of two event loops as one: a server is up in a part where it is for both.
    public mutating func merge(_ other: RedisStatistics) {
        durations = zip(durations, other.durations).map { $0 + $1 }
        masterChanges = max(masterChanges, other.masterChanges)
        masters = max(masters, other.masters)
        waitingWrites += other.waitingWrites
        acknowledgedWrites.open += other.acknowledgedWrites.open
        acknowledgedWrites.busy += other.acknowledgedWrites.busy
        acknowledgedWrites.queued += other.acknowledgedWrites.queued
        for server in other.servers {
            if let place = servers.firstIndex(where: { $0.endpoint == server.endpoint }) {
                servers[place].merge(server)
            } else {
                servers.append(server)
            }
        }
        for part in other.parts {
            if let place = parts.firstIndex(where: { $0.endpoint == part.endpoint && $0.role == part.role }) {
                parts[place].isUp = parts[place].isUp && part.isUp
                parts[place].exclusion = parts[place].exclusion ?? part.exclusion
            } else {
                parts.append(part)
            }
        }
    }
}

extension RedisConnection {
    fileprivate var exclusionWord: String? {
        guard case .unusable(let reason) = readSuitability else { return nil }
        return switch reason {
        case .strayMaster: "stray_master"
        case .rival: "rival"
        case .anotherHistory: "another_history"
        case .emptied: "emptied"
        case .neverSynchronised, .synchronising, .refusesStaleReads, .unreadable: nil
        }
    }
}
