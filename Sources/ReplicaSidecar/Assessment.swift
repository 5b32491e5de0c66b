public import Replication

/// What one look at both servers says should be done, before hysteresis, intervals and confirmations have their say.
public enum Assessment: Equatable, Sendable {
    case rest(Rest)
    /// The replica should follow the master that was seen; what it would lose stands beside it.
    case change(Change, DataComparison)

    /// Why nothing is to be done. Not an error in itself; ``isAlarm`` says what an operator should look at.
    public enum Rest: Equatable, Sendable {
        /// The replica follows the configured master, its link is up.
        case inStep
        /// The link is down: Redis itself resolves the name and connects again, once a second.
        case redisConnects
        /// A synchronisation or a start is under way, which is not disturbed.
        case busy
        /// The environment names no master: this sidecar watches and tells.
        case watchesOnly
        /// The local server is a master, and a master is never made a replica.
        case isMaster
        /// Somebody sent REPLICAOF by hand; the environment has not changed since.
        case byHand(MasterRecord.Following)
        /// The local server cannot be asked.
        case serverAway(String)
        /// The configured master has not been looked at yet.
        case masterUnseen
        /// Its name has no address.
        case masterUnresolved(String)
        /// None of its addresses has a server that proves to be a master; why, of each.
        case noMaster([String])
        /// It is a replica of this very server: following it would make two replicas of each other.
        case ourReplica
        /// The configured address leads back to the local server.
        case ourselves
        /// Several masters behind one name.
        case severalMasters([String])
    }
}

/// A change of master, and why.
public struct Change: Equatable, Sendable {
    public enum Move: Equatable, Sendable {
        /// Another host or port: REPLICAOF, CONFIG REWRITE and a record.
        case follow(MasterAddress)
        /// The same name leads elsewhere: CLIENT KILL TYPE master has Redis resolve it anew. REPLICAOF with the same name
        /// would do nothing.
        case reconnect
        /// The same name, to which Redis is still connecting: REPLICAOF to the address that was seen and back to the name,
        /// in one transaction, ends that connect. There is no link to close, and no other command that ends it.
        case redial(MasterAddress)
    }

    public enum Cause: Equatable, Sendable {
        /// The environment names another master than the replica follows.
        case configured(instead: MasterAddress)
        /// The name leads to a master of another history than the one that is followed over a link that is still up.
        case nameMoved
        /// The link is up, and nothing came over it for so long, while the master answers a new connection.
        case silentLink
        /// Redis waits for an address that does not answer, for up to `repl-timeout` (60 s), while the name leads to a master.
        case hangingConnect
    }

    public var move: Move
    public var cause: Cause
    /// The server that was seen: a change is to this one, and to no other that may be there a moment later.
    public var masterRunID: String
    public var masterAddress: String

    /// Whether the replica stays with the name that it follows.
    public var isSameName: Bool { if case .follow = move { false } else { true } }

    public init(_ move: Move, _ cause: Cause, masterRunID: String, masterAddress: String) {
        self.move = move
        self.cause = cause
        self.masterRunID = masterRunID
        self.masterAddress = masterAddress
    }
}

extension Assessment {
    /// - Parameters:
    ///   - local: the replica.
    ///   - sight: the last look at the configured master; `nil` before the first.
    ///   - configured: whom the environment names; `nil` where it names nobody.
    ///   - record: whose decision it is whom the replica follows.
    ///   - maximumSilenceSeconds: how long a link that is up may bring nothing.
    init(
        _ local: ServerInformation, _ sight: MasterSight?, configured: MasterAddress?, record: MasterRecord?,
        maximumSilenceSeconds: Int64
    ) {
        guard let configured else {
            self = .rest(.watchesOnly)
            return
        }
        guard let link = local.replication.masterLink else {
            self = .rest(.isMaster)
            return
        }
        let followed = MasterAddress(host: link.host, port: link.port)
        if let record, record.author == .hand, record.following == .master(followed) {
            self = .rest(.byHand(record.following))
            return
        }
        if local.isLoading || link.isSynchronising {
            self = .rest(.busy)
            return
        }
        let master: (address: String, information: ServerInformation)
        switch Self.master(sight, configured: configured, seenFrom: local) {
        case .failure(let rest):
            // A replica that is in step needs nobody to look; the look is told all the same.
            self = .rest(rest)
            return
        case .success(let found): master = found
        }
        func change(_ move: Change.Move, _ cause: Change.Cause) -> Assessment {
            .change(
                Change(move, cause, masterRunID: master.information.runID, masterAddress: master.address),
                DataComparison(local, against: master.information))
        }
        if !followed.isSame(as: configured) {
            self = change(.follow(configured), .configured(instead: followed))
        } else if !link.isUp, local.linkState == "connecting" {
            self = change(.redial(followed), .hangingConnect)
        } else if !link.isUp {
            self = .rest(.redisConnects)
        } else if master.information.replication.replicationID != local.replication.replicationID {
            self = change(.reconnect, .nameMoved)
        } else if let silent = link.silentSeconds, silent > maximumSilenceSeconds {
            self = change(.reconnect, .silentLink)
        } else {
            self = .rest(.inStep)
        }
    }

    private enum Finding {
        case success((address: String, information: ServerInformation))
        case failure(Rest)
    }

    /// The one master behind the configured name, proven by what it says of itself.
    private static func master(
        _ sight: MasterSight?, configured: MasterAddress, seenFrom local: ServerInformation
    ) -> Finding {
        guard let sight, sight.address == configured else { return .failure(.masterUnseen) }
        let candidates: [MasterSight.Candidate]
        switch sight.outcome {
        case .unresolved(let reason): return .failure(.masterUnresolved(reason))
        case .found(let found): candidates = found
        }
        var masters: [(address: String, information: ServerInformation)] = []
        for candidate in candidates {
            guard case .master(let information) = candidate.standing else { continue }
            // A server may be reached at several addresses.
            if !masters.contains(where: { $0.information.runID == information.runID }) {
                masters.append((candidate.address, information))
            }
        }
        if masters.contains(where: { $0.information.runID == local.runID }) { return .failure(.ourselves) }
        if masters.count > 1 { return .failure(.severalMasters(masters.map(\.address))) }
        if let master = masters.first { return .success(master) }
        if candidates.contains(where: { $0.isReplica(of: local) }) { return .failure(.ourReplica) }
        return .failure(.noMaster(candidates.map(\.description)))
    }
}

extension MasterAddress {
    /// Whether Redis would call it the same: names are compared without regard to case.
    func isSame(as other: MasterAddress) -> Bool {
        port == other.port && (host == other.host || host.lowercased() == other.host.lowercased())
    }
}

extension MasterSight.Candidate {
    /// Whether the server is among those that are attached to the local one.
    fileprivate func isReplica(of local: ServerInformation) -> Bool {
        guard case .replica = standing else { return false }
        return local.replication.replicas.contains { $0.address == address }
    }
}

extension MasterSight.Candidate: CustomStringConvertible {
    public var description: String {
        switch standing {
        case .master: "\(address) is a master"
        case .replica(let master): "\(address) is a replica of \(master)"
        case .loading: "\(address) is loading its data"
        case .unreachable(let reason): "\(address) \(reason)"
        case .refuses(let reason): "\(address) \(reason)"
        }
    }
}

extension Assessment.Rest {
    /// Whether an operator should look at it: it does not go away by itself.
    public var isAlarm: Bool {
        switch self {
        case .inStep, .redisConnects, .busy, .watchesOnly, .isMaster, .byHand, .masterUnseen: false
        case .serverAway, .masterUnresolved, .noMaster, .ourReplica, .ourselves, .severalMasters: true
        }
    }

    /// For metrics and programs: stable.
    public var code: String {
        switch self {
        case .inStep: "in-step"
        case .redisConnects: "redis-connects"
        case .busy: "busy"
        case .watchesOnly: "watches-only"
        case .isMaster: "is-master"
        case .byHand: "by-hand"
        case .serverAway: "server-away"
        case .masterUnseen: "master-unseen"
        case .masterUnresolved: "master-unresolved"
        case .noMaster: "no-master"
        case .ourReplica: "our-replica"
        case .ourselves: "ourselves"
        case .severalMasters: "several-masters"
        }
    }
}

extension Assessment.Rest: CustomStringConvertible {
    public var description: String {
        switch self {
        case .inStep: "follows the configured master"
        case .redisConnects: "the link is down; Redis itself connects again, its name resolved anew"
        case .busy: "a start or a synchronisation is under way"
        case .watchesOnly: "no master is configured; this sidecar watches and tells"
        case .isMaster: "is a master; it is never made a replica: send REPLICAOF by hand if it should be one"
        case .byHand(let following):
            "follows \(following) by hand; it stays so until the environment names another master"
        case .serverAway(let reason): "the local server cannot be asked: \(reason)"
        case .masterUnseen: "the configured master has not been looked at yet"
        case .masterUnresolved(let reason): "the configured master has no address: \(reason)"
        case .noMaster(let found): "no master is found at the configured name: \(found.joined(separator: ", "))"
        case .ourReplica: "the configured master is a replica of this server; following it would be a circle"
        case .ourselves: "the configured master is this server itself; name another one"
        case .severalMasters(let addresses):
            "several masters are found at the configured name (\(addresses.joined(separator: ", "))); leave one there"
        }
    }
}

extension Change: CustomStringConvertible {
    public var description: String {
        let why =
            switch cause {
            case .configured(let instead): "the environment names it in place of \(instead)"
            case .nameMoved: "the name leads there now"
            case .silentLink: "the link is silent, and it answers"
            case .hangingConnect: "Redis still waits for another address"
            }
        return switch move {
        case .follow(let address): "follow \(address) (\(masterAddress)): \(why)"
        case .reconnect, .redial: "connect anew to \(masterAddress): \(why)"
        }
    }
}
