import HTTPWire
import NIOCore
import RedisClient
import Replication

/// A read that has to know a write, or all writes up to a moment ago, or that wants a token of what it saw.
///
/// INFO replication goes before GET on the same connection: what it says is true of the value that follows. A replica that
/// does not know the write is asked again while there is time, or another one is; then the master is asked.
final class ConsistentReadExchange: ReadExchange {
    private let form: KeyForm
    private let known: EntityTagList
    private let demand: ConsistencyDemand
    /// What has to be known, by ``ConsistencyDemand/maximumLagMilliseconds``.
    private var lagToken: ReplicationToken?
    private var asksMaster = false
    private var deadline = NIODeadline.uptimeNanoseconds(0)
    private var pause = TimeAmount.milliseconds(1)

    // What the server that was asked has said.
    private var before: ReplicationInfo?
    private var value: [UInt8]?
    private var timeToLive: Int64 = -1
    private var problem: Problem?

    init(
        _ request: borrowing RequestView, connection: HTTPConnection, key: [UInt8], form: KeyForm,
        demand: ConsistencyDemand, service: KeyValueService
    ) {
        self.form = form
        self.demand = demand
        known = request.knownTags
        super.init(request.head, connection: connection, key: key, service: service)
    }

    override func begin() {
        let now = NIODeadline.now()
        deadline = now + .milliseconds(demand.waitMilliseconds)
        if let lag = demand.maximumLagMilliseconds {
            lagToken = service.redis.master.offsets.token(
                noOlderThanNanoseconds: lag * 1_000_000, atNanoseconds: Int64(clamping: now.uptimeNanoseconds))
            asksMaster = lagToken == nil
        }
        super.begin()
    }

    // MARK: The commands

    private var isProof: Bool { demand.after != nil || demand.maximumLagMilliseconds != nil }

    override var commands: Int { 2 + (form == .document ? 1 : 0) + (demand.wantsToken ? 1 : 0) }

    override func encode(into buffer: inout ByteBuffer) {
        let key = key
        buffer.writeINFOReplication()
        buffer.writeGET(key: key.span)
        if form == .document { buffer.writePTTL(key: key.span) }
        // What the read saw is known by an INFO that comes after it.
        if demand.wantsToken { buffer.writeINFOReplication() }
    }

    override func nextReader() -> RedisLoop.Reader? {
        guard asksMaster else { return super.nextReader() }
        return service.redis.masterReader
    }

    /// Without a master nothing more can be proven.
    override var unavailable: Problem {
        guard asksMaster else { return super.unavailable }
        return demand.maximumLagMilliseconds == nil
            ? Problem(service.redis.readFailure, role: "Redis master") : .replicationLagUnknown
    }

    // MARK: The replies

    override func receive(_ reply: RedisReply, at index: Int) {
        if index == 0 { forget() }
        switch (reply, index) {
        case (.error(let text), _): problem = problem ?? problem(of: text)
        case (.bulk(let text), 0): before = ReplicationInfo(parsing: text)
        case (.bulk(let bytes), 1): value = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
        case (.null, 1): problem = problem ?? .keyNotFound
        case (.integer(let milliseconds), 2) where form == .document: timeToLive = milliseconds
        case (.bulk(let text), commands - 1) where demand.wantsToken:
            return conclude(after: ReplicationInfo(parsing: text))
        default: return distrust()
        }
        if index == commands - 1 { conclude(after: nil) }
    }

    private func forget() {
        before = nil
        value = nil
        problem = nil
    }

    private func conclude(after: ReplicationInfo?) {
        guard let before else { return answer(problem ?? .redisError(code: "unreadable answer to INFO")) }
        guard isProof else { return answer(verdict: nil, after) }
        switch verdict(of: before) {
        case .satisfied: answer(verdict: .satisfied, after)
        case .wait: askAgain()
        case .lost: respond(.replicationLost)
        case .unknown where before.role == .master: answer(verdict: .unknown, after)
        case .unknown: askMaster()
        }
    }

    /// What the server knows of all that has to be known.
    private func verdict(of info: ReplicationInfo) -> ReplicationVerdict {
        let ofWrite = demand.after.map(info.verdict) ?? .satisfied
        guard demand.maximumLagMilliseconds != nil, info.role != .master else { return ofWrite }
        // A replica says nothing of a loss, and a bound that cannot be shown is not kept.
        let ofLag = lagToken.map(info.verdict) ?? .unknown
        return ofWrite == .unknown || ofLag == .unknown ? .unknown : ofWrite == .wait ? .wait : ofLag
    }

    // MARK: Again

    private func askAgain() {
        let now = NIODeadline.now()
        guard now < deadline, service.mayWaitForReplica else { return askMaster() }
        let pause = min(pause, deadline - now)
        self.pause = min(pause * 2, .milliseconds(20))
        service.waitForReplica(pause) {
            // The client may be gone.
            guard !self.isAnswered else { return }
            super.begin()
        }
    }

    private func askMaster() {
        // It is the master that could not say: a name that leads to a replica, for now.
        guard !asksMaster else { return respond(.redisReadOnly) }
        asksMaster = true
        super.begin()
    }

    // MARK: The answer

    private func answer(verdict: ReplicationVerdict?, _ after: ReplicationInfo?) {
        var head = head(form == .bytes ? .bytes : .json)
        if let problem {
            // Another server may do better.
            if problem == .redisUnavailable(role: "Redis server") { return answer(problem) }
            head = problem.head(server: head.server)
        }
        if demand.after != nil, let verdict { head.add("Replication-Verdict", verdict.rawValue) }
        if let token = after.flatMap({ ReplicationToken(of: $0) }) { head.add("Replication-Token", token.bytes) }
        if let problem { return respond(Response(head, body: problem.body)) }
        guard let value else { return }
        switch form {
        case .bytes: answer(value.span, head, unlessKnown: known)
        case .document:
            let key = key
            answer(
                KeyDocument(key: key.span, value: value.span), head, timeToLive: timeToLive, unlessKnown: known)
        }
    }
}
