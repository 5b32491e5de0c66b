public import RedisCore

/// What one observation of both servers asks for, before hysteresis, intervals and confirmations are applied.
public enum Assessment: Equatable, Sendable {
    case rest(Rest)
    /// The replica should follow the master that was seen; the second value says what it would lose.
    case change(Change, DataComparison)
    /// The replica in its current state was not observed before the master: the next observation of the master decides.
    case undecided

    /// Why nothing is to be done. Not an error in itself; ``isAlarm`` says what an operator should look at.
    public enum Rest: Equatable, Sendable {
        /// The replica follows the configured master, its link is up.
        case inStep
        /// The link is down: Redis itself resolves the name and connects again, once a second.
        case redisConnects
        /// A synchronisation or a start is under way, which is not disturbed.
        case busy
        /// The environment names no master: this sidecar only observes and reports.
        case watchesOnly
        /// Sentinel decides: how that stands, in words.
        case followsSentinel(String, isAlarm: Bool)
        /// The local server is a master, and a master is never made a replica.
        case isMaster
        /// The local server is a master, and others are, too.
        case isMasterBeside([String])
        /// A manual override: an operator sent REPLICAOF, and the environment has not changed since.
        case byHand(MasterRecord.Following)
        /// The replica was pointed at an address where no server was seen yet: it is not known who did that.
        case unprovenMove(MasterAddress, isLate: Bool)
        /// redis-replica-init restores the master's data from this replica, which follows its placeholder meanwhile.
        case restoresMaster(MasterAddress)
        /// Whom the replica follows by whose decision is not known yet: the record's disk does not answer.
        case recordUnread
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
        /// The same name leads elsewhere: CLIENT KILL TYPE master makes Redis resolve it again. REPLICAOF with the same name
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
    package var masterRunID: String
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
    ///   - before: the replica as it was last seen before the master was asked; `nil` where it was not. Only this one is
    ///     compared with the master: what it had then, a master that continues it has, too.
    ///   - observation: the last observation of the configured master; `nil` before the first.
    ///   - configured: the master that the environment names; `nil` where it names none.
    ///   - record: who decided whom the replica follows.
    ///   - maximumSilenceSeconds: how long a link that is up may bring nothing.
    init(
        _ local: ServerInformation, before: ServerInformation?, _ observation: ObservedMaster?,
        configured: MasterAddress?,
        record: MasterRecord?,
        maximumSilenceSeconds: Int64
    ) {
        guard let configured else {
            self = .rest(.watchesOnly)
            return
        }
        guard let link = local.replication.masterLink else {
            self = .rest(Self.rest(ofMaster: local, observation, configured))
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
        let doubt: String?
        switch Self.master(observation, configured: configured, seenFrom: local) {
        case .failure(let rest):
            // A replica that is in step needs no operator; the failed observation is reported all the same.
            self = .rest(rest)
            return
        case .success(let found):
            master = found
            doubt = observation?.doubt(that: found.information.runID)
        }
        func change(_ move: Change.Move, _ cause: Change.Cause) -> Assessment {
            guard let before, before.isComparable(to: local) else { return .undecided }
            return .change(
                Change(move, cause, masterRunID: master.information.runID, masterAddress: master.address),
                DataComparison(before, against: master.information).doubted(doubt))
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
        _ observation: ObservedMaster?, configured: MasterAddress, seenFrom local: ServerInformation
    ) -> Finding {
        guard let observation, observation.address == configured else { return .failure(.masterUnseen) }
        let candidates: [ObservedMaster.Candidate]
        switch observation.outcome {
        case .unresolved(let reason): return .failure(.masterUnresolved(reason))
        case .found(let found): candidates = found
        }
        let named = masters(among: candidates)
        var all = candidates
        if case .found(let listed) = observation.nodes { all += listed }
        let known = masters(among: all)
        if named.contains(where: { $0.information.runID == local.runID }) { return .failure(.ourselves) }
        if known.count > 1 { return .failure(.severalMasters(known.map(\.candidate.endpoint))) }
        if let master = named.first { return .success((master.candidate.address, master.information)) }
        if candidates.contains(where: { $0.isReplica(of: local) }) { return .failure(.ourReplica) }
        return .failure(.noMaster(candidates.map(\.description)))
    }

    /// Each master once: a server may be reached at several addresses.
    private static func masters(
        among candidates: [ObservedMaster.Candidate]
    ) -> [(candidate: ObservedMaster.Candidate, information: ServerInformation)] {
        candidates.reduce(into: []) { masters, candidate in
            guard case .master(let information) = candidate.standing,
                !masters.contains(where: { $0.information.runID == information.runID })
            else { return }
            masters.append((candidate, information))
        }
    }

    /// The local server is a master: whether it is the only one among those that the name for all masters lists.
    private static func rest(
        ofMaster local: ServerInformation, _ observation: ObservedMaster?, _ configured: MasterAddress
    )
        -> Rest
    {
        // Without such a name the configured one is whom it was promoted beside, on purpose.
        guard let observation, observation.address == configured, case .found(var seen) = observation.nodes else {
            return .isMaster
        }
        if case .found(let named) = observation.outcome { seen += named }
        let others = masters(among: seen).filter { $0.information.runID != local.runID }
        return others.isEmpty ? .isMaster : .isMasterBeside(others.map(\.candidate.endpoint))
    }
}

extension ServerInformation {
    /// Whether both observations saw the same run of a server, with the same master, the same history, and data or none.
    fileprivate func isComparable(to later: ServerInformation) -> Bool {
        runID == later.runID && replication.following == later.replication.following
            && replication.replicationID == later.replication.replicationID && (keys > 0) == (later.keys > 0)
    }
}

extension ObservedMaster.Candidate {
    /// Whether the server is among those that are attached to the local one.
    fileprivate func isReplica(of local: ServerInformation) -> Bool {
        guard case .replica = standing else { return false }
        return local.replication.replicas.contains { $0.address == address && $0.port == port }
    }
}

extension ObservedMaster.Candidate: CustomStringConvertible {
    public var description: String {
        switch standing {
        case .master: "\(endpoint) is a master"
        case .replica(let master): "\(endpoint) is a replica of \(master)"
        case .loading: "\(endpoint) is loading its data"
        case .placeholder: "\(endpoint) has its data restored from a replica by redis-replica-init"
        case .unreachable(let reason): "\(endpoint) \(reason)"
        case .refuses(let reason): "\(endpoint) \(reason)"
        }
    }
}

extension Assessment.Rest {
    /// Whether an operator should look at it: it does not go away by itself.
    public var isAlarm: Bool {
        switch self {
        case .inStep, .redisConnects, .busy, .watchesOnly, .isMaster, .byHand, .masterUnseen, .restoresMaster: false
        case .unprovenMove(_, let isLate): isLate
        case .followsSentinel(_, let isAlarm): isAlarm
        case .serverAway, .masterUnresolved, .noMaster, .ourReplica, .ourselves, .severalMasters, .isMasterBeside,
            .recordUnread:
            true
        }
    }

    /// For metrics and programs: stable.
    public var code: String {
        switch self {
        case .inStep: "in-step"
        case .redisConnects: "redis-connects"
        case .busy: "busy"
        case .watchesOnly: "watches-only"
        case .followsSentinel: "follows-sentinel"
        case .isMaster: "is-master"
        case .byHand: "by-hand"
        case .unprovenMove: "unproven-move"
        case .restoresMaster: "restores-master"
        case .recordUnread: "record-unread"
        case .serverAway: "server-away"
        case .masterUnseen: "master-unseen"
        case .masterUnresolved: "master-unresolved"
        case .noMaster: "no-master"
        case .ourReplica: "our-replica"
        case .ourselves: "ourselves"
        case .severalMasters, .isMasterBeside: "several-masters"
        }
    }
}

extension Assessment.Rest: CustomStringConvertible {
    public var description: String {
        switch self {
        case .inStep: "follows the configured master"
        case .redisConnects: "the link is down; Redis itself resolves the name and connects again"
        case .busy: "a start or a synchronisation is under way"
        case .watchesOnly: "no master is configured; this sidecar only observes and reports"
        case .followsSentinel(let words, _): words
        case .isMaster:
            "is a master; the sidecar never makes a master a replica: send REPLICAOF yourself if it should be one"
        case .isMasterBeside(let others):
            """
            is a master, and so is \(others.joined(separator: ", ")): both take writes. Leave one: send REPLICAOF to the \
            other, whose own writes are lost then
            """
        case .byHand(let following):
            "follows \(following) by a manual override; it stays so until the environment names another master"
        case .unprovenMove(let address, _):
            """
            follows \(address), which the environment does not name, and no server was seen there yet; once one is, that is \
            recorded. If that was not intended, send REPLICAOF with the configured master
            """
        case .restoresMaster(let address):
            "redis-replica-init restores the master's data from this replica, and answers at \(address) meanwhile"
        case .recordUnread:
            """
            the record of whom the replica follows is not read yet: its disk does not answer. The replica is not moved \
            before that; check the volume
            """
        case .serverAway(let reason): "the local server cannot be asked: it \(reason)"
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
        case .reconnect, .redial: "connect again to \(masterAddress): \(why)"
        }
    }
}
