public import RedisCore

/// Which of the known servers is proposed as the master: a value that takes what all servers say of themselves, and remembers
/// what it has to. ``MasterObservations`` says whether the proposed one takes writes.
///
/// The master is the server that is configured, until another one's history continues its history (`master_replid2` names it)
/// and either the old one is away, is no master any more, or the replicas follow the new one. A server that was promoted while
/// the replicas still follow the master is a stray.
///
/// | the master in use | another master | the master is |
/// |---|---|---|
/// | is seen | continues it, and more replicas follow it | the other |
/// | is seen, and wrote nothing since | continues it, and no replica follows either | the other, once both were asked again |
/// | became it in a fail-over a moment ago | was promoted in the same, and no replica follows either | none |
/// | is seen, with a new history | continues the one in use before | the other, unless replicas follow the first |
/// | is seen | anything else | the one in use; the other is a stray |
/// | is away, or a replica | one continues the last history | that one, with the time that strays take (below) |
/// | is away, or a replica | several do, and one of them continues the others, or most replicas follow it | that one |
/// | is away, or a replica | several do, else | none |
///
/// - A stray began more than ``graceNanoseconds`` before the master was last seen, and lacks what was written since. Where no
///   replica follows it, it is followed only once the master is away, and not loading, for ``absenceNanoseconds``: a master
///   that restarts stays the master. Even then it has to be the beginning of a manual fail-over (not more than
///   ``handoverNanoseconds`` old), or to lack nothing but the master's pings. One that this process never saw as a replica
///   counts as old.
/// - Before a process knows a history, which is within its first ``graceNanoseconds``, two masters of which neither continues
///   the other are distinguished by the replicas alone.
public struct MasterSelection: Sendable {
    /// How long two histories may run side by side in a fail-over.
    package static let graceNanoseconds: Int64 = 5_000_000_000
    /// How long the master is away before a stray may take its place.
    package static let absenceNanoseconds: Int64 = 10_000_000_000
    /// How long after a promotion the old master may still run for the two to be one manual fail-over.
    package static let handoverNanoseconds: Int64 = 60_000_000_000
    /// How long a process needs to see all servers.
    static let settlingNanoseconds: Int64 = 3_000_000_000
    /// What a master's `PING` adds to its offset.
    static let pingBytes: Int64 = 14
    /// How many ids and endpoints are remembered.
    static let memory = 32

    public let configured: String
    /// Where the master is: the last one, while none is known.
    public internal(set) var endpoint: String
    /// The master's history, or that of the last one.
    public internal(set) var history: History?
    /// When ``history`` was last seen.
    public internal(set) var historySeenAt: Int64 = .min
    /// Histories that led to ``history``, the youngest last.
    public private(set) var ancestors: [ReplicationID] = []
    /// Why there is no master, where several servers claim to be it.
    package internal(set) var rivals: [Rival] = []
    /// What the last change of the master cost; `nil` before there was one.
    public internal(set) var lastChange: Change?

    /// When the last change of the master was.
    private var changedAt: Int64?
    private var firstObservedAt: Int64?
    /// How long the master has been away, as of now.
    private var absence: Int64 = 0
    private var isSettled = false
    /// When each other master was first seen beside the one in use.
    private var strays: [Stray] = []
    /// Endpoints whose servers were seen in step with the master.
    private var members: [String] = []
    /// The last history in use that was met at the configured endpoint.
    private var namedID: ReplicationID?

    /// One of several masters of which none can be preferred.
    package struct Rival: Equatable, Sendable {
        public let endpoint: String
        public let id: ReplicationID
        public let fork: Int64
    }

    public struct Change: Equatable, Sendable {
        public let from: String
        public let to: String
        /// Bytes that the old master is known to have written and the new one does not have; `nil` where the histories say
        /// nothing of it.
        public let lostBytes: Int64?
        /// The old master still says that it is a master.
        public let isOldOneStillMaster: Bool

        public init(from: String, to: String, lostBytes: Int64?, isOldOneStillMaster: Bool) {
            self.from = from
            self.to = to
            self.lostBytes = lostBytes
            self.isOldOneStillMaster = isOldOneStillMaster
        }
    }

    public init(configured: String) {
        self.configured = configured
        endpoint = configured
    }

    private struct Stray {
        var id: ReplicationID
        var since: Int64
        /// It was never seen as a replica: it may have been there long before this process began.
        var isOfUnknownAge: Bool
    }

    /// A master that is seen, at one or more endpoints.
    private struct Candidate {
        var history: History
        var endpoints: [String]
        var seenAt: Int64
        var attached: Int
        /// Known replicas that follow it now.
        var votes = 0
        var votersAreMembers = false
    }

    /// Takes all that is known now.
    ///
    /// - Parameters:
    ///   - observations: of the servers that answer, in any order; a server that is away has none.
    ///   - isMasterLoading: the master in use reads its data, and will be back.
    ///   - now: of the observations' clock.
    public mutating func take(
        _ observations: [ServerObservation], isMasterLoading: Bool = false, at now: Int64
    ) {
        absence = isMasterLoading || historySeenAt == .min ? 0 : now - historySeenAt
        if firstObservedAt == nil, !observations.isEmpty { firstObservedAt = now }
        let candidates = self.candidates(in: observations)
        let incumbent = incumbent(among: candidates)
        let verdict = incumbent.map { judge(candidates, against: $0, observations) } ?? judge(candidates, observations)
        rivals = []
        switch verdict {
        case .master(let winner):
            follow(winner, insteadOf: incumbent, at: now)
            noteMembers(observations)
            if let firstObservedAt, now - firstObservedAt >= Self.settlingNanoseconds { isSettled = true }
        case .rivals(let claimants):
            rivals = claimants.map { Rival(endpoint: $0.endpoints[0], id: $0.history.id, fork: $0.history.fork) }
        case .away: break
        }
        noteStrays(candidates, at: now)
    }

    /// The master in use, or the one that the configured name leads to now, where it led to the one in use before.
    private func incumbent(among candidates: [Candidate]) -> Candidate? {
        let isNamed = history != nil && history?.id == namedID
        return (isNamed ? candidates.first { $0.endpoints.contains(configured) } : nil)
            ?? candidates.first { $0.endpoints.contains(endpoint) }
    }

    // MARK: The rules

    private enum Verdict {
        case master(Candidate)
        case rivals([Candidate])
        /// No server shows that it is the master.
        case away
    }

    /// The master in use is seen.
    private func judge(_ candidates: [Candidate], against incumbent: Candidate, _ observations: [ServerObservation])
        -> Verdict
    {
        var winners: [Candidate] = []
        for other in candidates where other.history.id != incumbent.history.id {
            switch challenge(by: other, to: incumbent) {
            case .wins: winners.append(other)
            case .ties: return .rivals([incumbent, other])
            case .loses: break
            }
        }
        return winners.isEmpty ? .master(incumbent) : best(of: winners)
    }

    private enum Outcome { case wins, ties, loses }

    private func challenge(by other: Candidate, to incumbent: Candidate) -> Outcome {
        let votes = compare(other, incumbent)
        if other.history.continues(incumbent.history.id) {
            if votes != 0 { return votes > 0 ? .wins : .loses }
            // What the one in use wrote since the promotion would be lost.
            let isOpen =
                !hasFollowers(incumbent) && !isOldStray(other.history.id)
                && incumbent.history.offset < other.history.fork
            return isOpen && isConfirmed(other, incumbent) ? .wins : .loses
        }
        if incumbent.history.continues(other.history.id) {
            // A process that has just begun may have met the stray first, and what the other wrote since would be lost.
            let wroteSince =
                other.endpoints.contains(configured) && other.history.offset >= incumbent.history.fork
                && !isAncestor(other.history.id)
            if !isSettled, votes == 0, !hasFollowers(incumbent), wroteSince { return .wins }
            return votes > 0 ? isSettled ? .ties : .wins : .loses
        }
        // Both were promoted in the same fail-over.
        if let origin = incumbent.history.origin, other.history.continues(origin), isSibling(other) {
            return votes > 0 ? .wins : hasFollowers(incumbent) ? .loses : .ties
        }
        // The master in use has come back with another history, and the other one continues the one that it had.
        if let history, isSettled, incumbent.history.id != history.id, other.history.continues(history.id) {
            if isOldStray(other.history.id) { return votes > 0 ? .wins : .loses }
            if votes != 0 { return votes > 0 ? .wins : .loses }
            return incumbent.history.continues(history.id) ? .ties : .wins
        }
        if isSettled {
            let isOurs = other.history.origin.map(isAncestor) ?? false
            return isOurs && votes > 0 && other.votersAreMembers ? .wins : .loses
        }
        // Nothing is remembered: one that never was a replica is not preferred to the one that the name leads to.
        if incumbent.history.origin == nil, other.endpoints.contains(configured) { return .wins }
        // A server that was promoted may be the one in use.
        guard other.history.origin != nil, !hasFollowers(incumbent) else { return .loses }
        return votes > 0 ? .wins : .ties
    }

    /// The master in use is away, or is a replica.
    private func judge(_ candidates: [Candidate], _ observations: [ServerObservation]) -> Verdict {
        let eligible = candidates.filter { isEligible($0, among: candidates, observations) }
        switch eligible.count {
        case 0: return .away
        case 1: return .master(eligible[0])
        default: return best(of: eligible)
        }
    }

    private func isEligible(_ candidate: Candidate, among all: [Candidate], _ observations: [ServerObservation]) -> Bool
    {
        let own = candidate.history
        let isUnanimous = candidate.votes > 0 && all.allSatisfy { $0.history.id == own.id || $0.votes == 0 }
        if let history {
            if own.id == history.id { return true }
            if own.continues(history.id) {
                let stray = strays.first { $0.id == own.id }
                let isYoung = !isOldStray(own.id) && stray?.isOfUnknownAge != true
                return isYoung || isUnanimous || stray.map { mayTakeOver($0, own, observations) } == true
            }
            return isUnanimous && candidate.votersAreMembers
        }
        if isUnanimous { return true }
        guard let origin = own.origin else { return false }
        // What the others had before has to be what it continues, and they must not have more of that than it has written.
        return observations.allSatisfy { observation in
            guard let other = History(of: observation.information), observation.information.role == .replica else {
                return true
            }
            if other.id == own.id { return true }
            return other.id == origin
                && own.lostBytes(ofHistoryUpTo: other.offset)
                    <= max(0, own.writtenBytes).saturatingAdding(Self.pingBytes)
        }
    }

    /// Whether a stray may take the place of a master that is away.
    private func mayTakeOver(_ stray: Stray, _ own: History, _ observations: [ServerObservation]) -> Bool {
        guard absence > Self.absenceNanoseconds, let history else { return false }
        let age = historySeenAt - stray.since
        if age <= Self.handoverNanoseconds, !stray.isOfUnknownAge { return true }
        let known = observations.compactMap { History(of: $0.information) }
        let offset = known.filter { $0.id == history.id }.map(\.offset).reduce(history.offset, max)
        // A master sends one every ten seconds (`repl-ping-replica-period`). One more may be between two observations.
        let pings = (age + 2 * Self.settlingNanoseconds) / 10_000_000_000 + 1
        return own.lostBytes(ofHistoryUpTo: offset) <= pings * Self.pingBytes
    }

    /// The one that continues all others, or that more replicas follow than any other.
    private func best(of candidates: [Candidate]) -> Verdict {
        if candidates.count == 1 { return .master(candidates[0]) }
        let youngest = candidates.filter { one in
            candidates.allSatisfy { $0.history.id == one.history.id || one.history.continues($0.history.id) }
        }
        if youngest.count == 1 { return .master(youngest[0]) }
        let most = candidates.map(\.votes).max() ?? 0
        let leaders = candidates.filter { $0.votes == most }
        return leaders.count == 1 ? .master(leaders[0]) : .rivals(candidates)
    }

    /// Above 0 where more replicas follow the first one. What servers list counts where no known replica says whom it follows.
    private func compare(_ one: Candidate, _ other: Candidate) -> Int {
        if one.votes > 0 || other.votes > 0 { return one.votes - other.votes }
        return one.attached - other.attached
    }

    private func hasFollowers(_ candidate: Candidate) -> Bool { candidate.votes > 0 || candidate.attached > 0 }

    /// Whether both were asked again since the claim was first seen.
    private func isConfirmed(_ one: Candidate, _ other: Candidate) -> Bool {
        guard let since = strays.first(where: { $0.id == one.history.id })?.since else { return false }
        return one.seenAt > since && other.seenAt > since
    }

    /// Whether another master began so long before the master in use was last seen that it lacks what was written since.
    public func isOldStray(_ id: ReplicationID) -> Bool {
        guard let stray = strays.first(where: { $0.id == id }) else { return false }
        return historySeenAt - stray.since > Self.graceNanoseconds
    }

    /// Whether another master was first seen when the one in use had just become it, and is not the one before it, restarted.
    private func isSibling(_ other: Candidate) -> Bool {
        guard let changedAt, let stray = strays.first(where: { $0.id == other.history.id }) else { return false }
        if let from = lastChange?.from, other.endpoints.contains(from) { return false }
        return abs(stray.since - changedAt) <= Self.graceNanoseconds
    }

    private func isAncestor(_ id: ReplicationID) -> Bool { history?.id == id || ancestors.contains(id) }

    // MARK: What is seen, and remembered

    private func candidates(in observations: [ServerObservation]) -> [Candidate] {
        var found: [Candidate] = []
        // The younger observation of a server at an endpoint counts.
        let observations = observations.sorted { $0.seenAt > $1.seenAt }
        var seen: Set<[String]> = []
        var voters: [(id: ReplicationID, endpoint: String)] = []
        for observation in observations where seen.insert([observation.endpoint, observation.server]).inserted {
            guard let own = History(of: observation.information) else { continue }
            guard observation.information.role == .master else {
                if observation.information.masterLink?.isInStep == true {
                    voters.append((own.id, observation.endpoint))
                }
                continue
            }
            if let place = found.firstIndex(where: { $0.history.id == own.id }) {
                if !found[place].endpoints.contains(observation.endpoint) {
                    found[place].endpoints.append(observation.endpoint)
                }
            } else {
                let attached = observation.information.replicas.count { $0.state == "online" }
                found.append(
                    Candidate(
                        history: own, endpoints: [observation.endpoint], seenAt: observation.seenAt, attached: attached)
                )
            }
        }
        for place in found.indices {
            let own = voters.filter { $0.id == found[place].history.id }
            found[place].votes = Set(own.map(\.endpoint)).count
            found[place].votersAreMembers =
                own.contains { members.contains($0.endpoint) }
                || found[place].endpoints.contains(where: members.contains)
            found[place].endpoints.sort { a, b in
                (a == configured ? 0 : a == endpoint ? 1 : 2, a) < (b == configured ? 0 : b == endpoint ? 1 : 2, b)
            }
        }
        // The order of observations must not matter.
        return found.sorted { ($0.endpoints[0], $0.history.fork) < ($1.endpoints[0], $1.history.fork) }
    }

    private mutating func follow(_ winner: Candidate, insteadOf incumbent: Candidate?, at now: Int64) {
        let place = winner.endpoints[0]
        if winner.endpoints.contains(configured) { namedID = winner.history.id }
        if let history, winner.history.id != history.id {
            remember(history.id)
            if let origin = winner.history.origin { remember(origin) }
        }
        if place != endpoint {
            // The same server may be reached at another address by now: nothing is lost then.
            if winner.history.id != history?.id || incumbent.map({ $0.history.id != winner.history.id }) == true {
                changedAt = now
                lastChange = Change(
                    from: endpoint, to: place,
                    lostBytes: history.flatMap { old in
                        guard winner.history.continues(old.id) else { return nil }
                        let known = incumbent?.history.id == old.id ? incumbent?.history.offset : nil
                        return winner.history.lostBytes(ofHistoryUpTo: max(old.offset, known ?? old.offset))
                    }, isOldOneStillMaster: incumbent != nil && incumbent?.history.id != winner.history.id)
            }
            endpoint = place
        }
        if history?.id == winner.history.id, winner.seenAt < historySeenAt { return }
        history = winner.history
        historySeenAt = winner.seenAt
    }

    private mutating func remember(_ id: ReplicationID) {
        ancestors.removeAll { $0 == id }
        ancestors.append(id)
        if ancestors.count > Self.memory { ancestors.removeFirst() }
    }

    private mutating func noteMembers(_ observations: [ServerObservation]) {
        guard let history else { return }
        for observation in observations
        where !members.contains(observation.endpoint)
            && (observation.information.role == .master || observation.information.masterLink?.isInStep == true)
            && ReplicationID(observation.information.replicationID) == history.id
        {
            members.append(observation.endpoint)
            if members.count > Self.memory { members.removeFirst() }
        }
    }

    private mutating func noteStrays(_ candidates: [Candidate], at now: Int64) {
        let others = candidates.map(\.history.id).filter { $0 != history?.id }
        strays.removeAll { stray in stray.id == history?.id }
        for id in others where !strays.contains(where: { $0.id == id }) {
            let endpoints = candidates.first { $0.history.id == id }?.endpoints ?? []
            let isMember = endpoints.contains(where: members.contains)
            strays.append(Stray(id: id, since: now, isOfUnknownAge: !isMember))
            if strays.count > Self.memory { strays.removeFirst() }
        }
    }
}
