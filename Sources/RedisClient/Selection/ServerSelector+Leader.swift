import Logging
import NIOConcurrencyHelpers
import NIOCore
import RedisCore
import ServerSelection

/// Which node leads, where the leader is found among all nodes: for those who show it.
public struct LeaderReport: Equatable, Sendable {
    /// Why no node takes writes.
    public enum Absence: Equatable, Sendable {
        /// The process has just begun.
        case unknownYet
        /// No node that answers says that it is the master.
        case noLeader
        /// The node leads, and has fewer replicas than `min-replicas-to-write`.
        case refusesWrites(String)
        /// Several nodes say that they are the master, and none continues the others.
        case several
        /// Sentinel never named a master; why.
        case unnamed(String, isAsking: Bool)
        /// The server that Sentinel names is not reached, or does not say that it is the master.
        /// - Parameter isAsking: the process has just begun, and the server was not heard yet.
        case namedIsNoMaster(String, isAsking: Bool)
        /// Sentinel makes another server the master in place of this one.
        case failingOver(String)

        /// What is logged once, however its words change.
        var kind: Int {
            switch self {
            case .unknownYet, .unnamed(_, isAsking: true), .namedIsNoMaster(_, isAsking: true): 0
            case .noLeader: 1
            case .refusesWrites: 2
            case .several: 3
            case .unnamed: 4
            case .namedIsNoMaster: 5
            case .failingOver: 6
            }
        }

        /// In words for an operator.
        public var words: String {
            switch self {
            case .unknownYet, .noLeader:
                "there is no leader: no node of REDIS_NODES that answers says that it is the master; writes wait for one"
            case .refusesWrites(let endpoint):
                "the leader \(endpoint) takes no writes: fewer than min-replicas-to-write replicas are in step with it"
            case .several: "there is no single leader"
            case .unnamed(let doubt, _): "there is no leader: \(doubt); writes wait until Sentinel names a master"
            case .namedIsNoMaster(let endpoint, _):
                "there is no leader: Sentinel names \(endpoint), which is not reached or does not say that it is the master; "
                    + "writes wait"
            case .failingOver(let endpoint):
                "Sentinel makes another server the master in place of \(endpoint); writes wait for it"
            }
        }
    }

    /// The node that leads; `nil` while none does.
    public var endpoint: RedisEndpoint?
    /// Why none takes writes; `nil` while one does.
    public var absence: Absence? = .unknownYet
    /// Since when that is so, in ``NIOCore/NIODeadline/uptimeNanoseconds``; 0: since the process began.
    public var sinceNanoseconds: Int64 = 0
    /// How long no node took writes before the one that does now; `nil` where there was no such time.
    public var gapNanoseconds: Int64?
    /// How often a node has begun to take writes.
    public var number = 0

    public init() {}

    mutating func take(_ endpoint: RedisEndpoint?, _ absence: Absence?, at now: Int64) {
        guard endpoint != self.endpoint || absence != self.absence else { return }
        if absence == nil {
            gapNanoseconds = self.absence == nil ? 0 : number == 0 ? nil : now - absentSince
            number += 1
        } else if self.absence == nil {
            absentSince = now
        }
        self.endpoint = endpoint
        self.absence = absence
        sinceNanoseconds = now
    }

    private var absentSince: Int64 = 0
}

extension ServerSelector {
    static func decideLeader(_ decision: inout Decision, _ state: inout State, at now: Int64) {
        if let word = state.sentinel { return decide(&decision, by: word, &state, at: now) }
        if let verdict = state.leaders?.verdict(at: now) { decide(&decision, by: verdict, &state, at: now) }
    }

    private static func decide(
        _ decision: inout Decision, by verdict: LeaderObservations.Verdict, _ state: inout State, at now: Int64
    ) {
        decision.doubt = nil
        decision.places = nil
        decision.server = nil
        decision.history = state.selection.history?.id
        decision.holdsWrites = true
        var leader: LeaderObservations.Leader?
        switch verdict {
        case .leads(let found):
            leader = found
            decision.holdsWrites = false
            decision.absence = nil
        case .refusesWrites(let found):
            leader = found
            decision.absence = .refusesWrites(found.endpoint)
        // Those who were asked already are asked again at once: nothing changes meanwhile.
        case .unclear: decision.absence = decision.absence ?? .noLeader
        case .none: decision.absence = state.report.number == 0 ? .unknownYet : .noLeader
        case .several(let several):
            decision.holdsWrites = false
            decision.absence = .several
            decision.doubt = doubt(several)
            decision.places = several.map(\.endpoint).joined(separator: ", ")
        }
        if let leader {
            decision.server = leader.server
            decision.master = state.endpoints[leader.endpoint] ?? decision.master
            decision.hasLeader = true
        }
        state.report.take(leader.map { _ in decision.master }, decision.absence, at: now)
    }

    private static func doubt(_ several: [LeaderObservations.Leader]) -> String {
        let words = several.map { leader in
            let history = leader.history.map { " with the history \($0.id)" } ?? ""
            return "\(leader.endpoint), run id \(leader.server)\(history)"
        }.joined(separator: "; ")
        return
            "there is no single master: \(several.count) nodes of REDIS_NODES say that they are the master, and none has a "
            + "history that continues the others' (\(words)); writes are refused until all but one of them are its replicas "
            + "(REPLICAOF)"
    }

    func tellLeader(_ decision: Decision) {
        guard let report else { return }
        let before = toldAbsence.withLockedValue { told in
            defer { told = decision.absence }
            return told
        }
        guard before?.kind != decision.absence?.kind else { return }
        switch decision.absence {
        case .noLeader, .refusesWrites, .unnamed(_, isAsking: false), .namedIsNoMaster(_, isAsking: false),
            .failingOver:
            logger.warning("\(decision.absence?.words ?? "")")
        case .unknownYet, .several, .unnamed(_, isAsking: true), .namedIsNoMaster(_, isAsking: true): break
        case nil:
            let gap = report.gapNanoseconds.map { ", after \($0 / 1_000_000) ms without a leader that does" } ?? ""
            logger.info("redis \(decision.master) leads and takes writes\(gap)")
        }
    }
}
