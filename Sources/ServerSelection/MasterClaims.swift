package import RedisCore

/// Which servers say that they are the master behind one name: a value that takes what each connection to that name learns.
///
/// A Service's address leads every connection to one of the servers behind it, so that two connections of one process may write
/// to two masters. This is the part of ``MasterObservations`` that tells which servers the name leads to.
///
/// | what is seen of two servers | the verdict |
/// |---|---|
/// | one said that it is the master before and after the other did | several masters |
/// | the younger one did, and the older one was not asked since | unclear, until it answers or for ``patienceNanoseconds`` |
/// | the older one did not answer in that time | the younger one is the master |
/// | one of them says that it is a replica | the other is the master |
/// | the only connection to one of them has ended | unclear for ``patienceNanoseconds``; then the other is the master |
/// | the same, and since then it refused a connection, or had not answered for as long | the other is the master |
///
/// Only ordered observations count: what one server was asked after the other one had answered. Where several are seen, the end
/// of a connection shows nothing; a server that is not heard for ``memoryNanoseconds`` counts no more.
package struct MasterClaims: Sendable {
    /// How long a server that was asked again may take for an answer.
    package static let patienceNanoseconds: Int64 = 1_500_000_000
    /// How long a claim counts after it was last heard.
    package static let memoryNanoseconds: Int64 = 5_000_000_000
    /// How many servers are remembered.
    static let limit = 16

    /// What one server said, to whom, and when. Times are of one clock that never goes back.
    public struct Observation: Equatable, Sendable {
        /// The server's run id.
        public var server: String
        public var endpoint: String
        public var history: ReplicationID?
        public var isMaster: Bool
        public var askedAt: Int64
        public var answeredAt: Int64

        public init(
            server: String, endpoint: String, history: ReplicationID?, isMaster: Bool, askedAt: Int64, answeredAt: Int64
        ) {
            self.server = server
            self.endpoint = endpoint
            self.history = history
            self.isMaster = isMaster
            self.askedAt = askedAt
            self.answeredAt = answeredAt
        }
    }

    /// A server that says that it is the master.
    public struct Claim: Equatable, Sendable {
        public let server: String
        public fileprivate(set) var endpoint: String
        public fileprivate(set) var history: ReplicationID?
        let first: Look
        fileprivate(set) var last: Look
        /// When its last connection ended. Connections end for many reasons: it may go on, and be met again.
        fileprivate(set) var lostAt: Int64?
        /// Servers that said it at the same time. What was seen once stays seen, until one of the two says something else.
        fileprivate var rivals: Set<String> = []
    }

    struct Look: Equatable, Sendable {
        var askedAt: Int64
        var answeredAt: Int64
    }

    public enum Verdict: Equatable, Sendable {
        /// - Parameter server: the run id of the one master; `nil` while none is heard.
        case one(server: String?)
        /// Another master was met, and the one before was not asked since.
        case unclear
        /// All of them at the same time, by their run ids.
        case several([Claim])
    }

    /// By their run ids.
    package private(set) var claims: [Claim] = []

    public init() {}

    public mutating func take(_ observation: Observation) {
        let look = Look(askedAt: observation.askedAt, answeredAt: observation.answeredAt)
        let place = claims.firstIndex { $0.server == observation.server }
        if let place {
            // An answer to an earlier question is no news.
            guard look.askedAt >= claims[place].last.askedAt else { return }
            guard observation.isMaster else { return remove(observation.server) }
            if look.answeredAt - claims[place].last.answeredAt <= Self.memoryNanoseconds {
                claims[place].last = look
                claims[place].lostAt = nil
                claims[place].endpoint = observation.endpoint
                claims[place].history = observation.history
                noteRivals(of: place)
                return
            }
            remove(observation.server)
        }
        guard observation.isMaster else { return }
        claims.append(
            Claim(
                server: observation.server, endpoint: observation.endpoint, history: observation.history, first: look,
                last: look))
        claims.sort { $0.server < $1.server }
        if claims.count > Self.limit, let oldest = claims.min(by: { $0.last.answeredAt < $1.last.answeredAt }) {
            remove(oldest.server)
        }
    }

    private mutating func noteRivals(of place: Int) {
        for other in claims.indices where other != place && claims[place].overlaps(claims[other]) {
            claims[place].rivals.insert(claims[other].server)
            claims[other].rivals.insert(claims[place].server)
        }
    }

    private mutating func remove(_ server: String) {
        claims.removeAll { $0.server == server }
        for place in claims.indices { claims[place].rivals.remove(server) }
    }

    /// No connection leads to the server any more.
    public mutating func lose(_ server: String, at now: Int64) {
        if case .several(let several) = verdict(at: now), several.contains(where: { $0.server == server }) { return }
        guard let place = claims.firstIndex(where: { $0.server == server }) else { return }
        // One that answered until now is not known to be gone.
        guard now - claims[place].last.answeredAt < Self.patienceNanoseconds else { return remove(server) }
        claims[place].lostAt = claims[place].lostAt ?? now
    }

    /// Nothing listens at the address: those that were met there and have no connection any more are gone.
    public mutating func refuse(_ endpoint: String) {
        for claim in claims where claim.lostAt != nil && claim.endpoint == endpoint { remove(claim.server) }
    }

    /// Servers that may go on although no connection leads to them any more, and are looked for.
    func missing(at now: Int64) -> [Claim] {
        claims.filter { claim in claim.lostAt.map { now - $0 <= Self.patienceNanoseconds } ?? false }
    }

    public func verdict(at now: Int64) -> Verdict {
        let live = claims.filter { now - $0.last.answeredAt <= Self.memoryNanoseconds }
        let several = live.filter { claim in live.contains { claim.rivals.contains($0.server) } }
        if !several.isEmpty { return .several(several) }
        let met = live.filter { $0.lostAt == nil }
        guard let youngest = met.max(by: { $0.first.answeredAt < $1.first.answeredAt }) else {
            return .one(server: nil)
        }
        let missing = live.filter { $0.lostAt != nil }
        if met.count == 1, missing.isEmpty { return .one(server: youngest.server) }
        return now - youngest.first.answeredAt <= Self.patienceNanoseconds ? .unclear : .one(server: youngest.server)
    }
}

extension MasterClaims.Claim {
    /// Whether one of the two said that it is the master before the other one did, and again after it.
    fileprivate func overlaps(_ other: Self) -> Bool { surrounds(other) || other.surrounds(self) }

    private func surrounds(_ other: Self) -> Bool {
        [other.first, other.last].contains { look in
            first.answeredAt < look.askedAt && look.answeredAt < last.askedAt
        }
    }
}
