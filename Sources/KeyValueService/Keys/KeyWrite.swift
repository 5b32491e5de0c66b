import HTTPWire
import NIOCore
import RedisClient
import RedisCore

/// A write of one key under `/v1/keys/`: its answer carries a replication token, and how many replicas acknowledged it where
/// that was asked for.
///
/// A condition that a command of Redis knows (NX, XX) costs nothing. A tag is compared by ``CompareScript``, in one round trip;
/// where the value is too long for a script, or the user may not run one, by a transaction, in two:
///
/// ```
/// single ─▶ answer
/// script ─NOSCRIPT─▶ script, sent whole ─▶ answer
///    └─too long; not permitted─▶ transaction: WATCH, GET, MULTI ─met─▶ SET, EXEC ─▶ answer
///                                     ▲                        └─unmet─▶ DISCARD ─▶ answer
///                                     └──────── the key was changed meanwhile ──┘
/// ```
/// MULTI goes before the decision: where the user may not run it, a SET would be carried out at once.
///
/// EXISTS goes before a SET without a condition, so that the answer can tell 201 from 204; between the two another client may
/// write, and the status be the one of a moment before.
struct KeyWrite {
    /// The longest value whose tag is compared in a transaction: it is brought here for that.
    static let maximumComparedBytes = 8 << 20
    /// How often a transaction is begun that others' writes end.
    private static let maximumTransactions = 8

    enum Way {
        case single
        case script(isKnown: Bool)
        case transaction
    }

    enum Command {
        case exists, write, script, wait
        case watch, value, multi
        case queue, execute, discard
    }

    private let key: [UInt8]
    private(set) var change: KeyChange
    let condition: WriteCondition
    let demand: AcknowledgementDemand?
    private(set) var way = Way.single
    /// How the write is tried next, where the reply asks for another way.
    var following: Way?
    private var transactions = 0
    /// Those that are under way.
    private(set) var sent: [Command] = []
    /// Whether there was a value before; `nil` where that is not known.
    var existed: Bool?
    var acknowledged: Int64?
    var stored: WriteCondition.Stored?
    /// What is wrong with what goes before a transaction's write.
    var preparationProblem: Problem?
    var isInTransaction = false

    /// `PUT`: the body will be the value.
    ///
    /// - Throws: what is wrong in the query or in a precondition.
    static func put(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, key: [UInt8]
    ) throws(Problem) -> KeyWrite {
        let timeToLive: Int64? =
            if let text = try target.queryValue("ttl") {
                try DurationText.milliseconds(text.span, of: "ttl", in: .timeToLive)
            } else {
                nil
            }
        return try KeyWrite(request, target, key: key, .put(ByteBuffer(), timeToLive: timeToLive))
    }

    /// `DELETE`: of a key of any type. A body, which no client has a reason to send, is ignored.
    ///
    /// - Throws: what is wrong in the query or in a precondition.
    static func delete(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, key: [UInt8]
    ) throws(Problem) -> KeyWrite {
        try KeyWrite(request, target, key: key, .delete)
    }

    private init(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, key: [UInt8], _ change: KeyChange
    ) throws(Problem) {
        try ConsistencyDemand.refuse(in: request, target)
        self.key = key
        self.change = change
        demand = try AcknowledgementDemand(target)
        condition = try WriteCondition(request)
    }

    /// Picks the way by which the condition is decided.
    ///
    /// - Throws: where no value meets it.
    mutating func take(_ body: ByteBuffer) throws(Problem) {
        if case .put(_, let timeToLive) = change { change = .put(body, timeToLive: timeToLive) }
        switch condition.kind {
        case .never: throw .preconditionFailed
        case .always, .present: way = .single
        case .absent: way = change.isDeletion ? .script(isKnown: true) : .single
        // A value that is long most likely takes the place of one that is, too.
        case .compare: way = change.isLong ? .transaction : .script(isKnown: true)
        }
    }

    // MARK: Sending

    var commands: Int { sent.count }

    var wait: Duration? { demand.map { .milliseconds($0.withinMilliseconds) } }

    mutating func begin() -> WriteOperation.Sending {
        following = nil
        existed = nil
        acknowledged = nil
        switch way {
        case .single: sent = !change.isDeletion && condition.kind == .always ? [.exists, .write] : [.write]
        case .script: sent = [.script]
        case .transaction:
            transactions += 1
            stored = nil
            preparationProblem = nil
            isInTransaction = false
            sent = [.watch, .value, .multi]
            return .prepared
        }
        guard let wait else { return .shared }
        sent.append(.wait)
        return .alone(wait)
    }

    /// WATCH, GET and MULTI are answered.
    mutating func next(_ record: inout WriteRecord) -> Duration? {
        guard let stored, preparationProblem == nil else {
            record.decide(.refused(preparationProblem ?? .redisUnavailable(role: "Redis master")))
            return endTransaction()
        }
        existed = stored != .nothing
        guard condition.isMet(by: stored) else {
            record.decide(.unmet)
            return endTransaction()
        }
        record.begin()
        sent = [.queue, .execute] + (demand == nil ? [] : [.wait])
        return wait ?? .zero
    }

    private mutating func endTransaction() -> Duration? {
        guard isInTransaction else { return nil }
        sent = [.discard]
        return .zero
    }

    func encode(into buffer: inout ByteBuffer) {
        let key = key
        for command in sent {
            switch command {
            case .exists: buffer.writeEXISTS(key: key.span)
            case .write, .queue: buffer.write(change, key: key.span, condition.kind)
            case .script:
                guard case .script(let isKnown) = way else { continue }
                buffer.writeCompare(change, key: key.span, condition, isKnown: isKnown)
            case .wait:
                guard let demand else { continue }
                buffer.writeWAIT(replicas: demand.replicas, milliseconds: demand.withinMilliseconds)
            case .watch: buffer.writeWATCH(key: key.span)
            case .value: buffer.writeGET(key: key.span)
            case .multi: buffer.writeMULTI()
            case .execute: buffer.writeEXEC()
            case .discard: buffer.writeDISCARD()
            }
        }
    }

    func command(at index: Int) -> RedisCommand {
        guard sent.indices.contains(index) else { return .info }
        return switch sent[index] {
        case .exists: .exists
        case .write, .queue: change.isDeletion ? .del : .set
        case .script: .eval
        case .wait: .wait
        case .watch: .watch
        case .value: .get
        case .multi: .multi
        case .execute: .exec
        case .discard: .discard
        }
    }

    // MARK: The end

    mutating func repetition() -> WriteOperation.Repetition {
        guard let following else { return .none }
        self.following = nil
        if case .transaction = following, transactions >= Self.maximumTransactions { return .refuse(.writeContended) }
        way = following
        return .again
    }

    func response(_ outcome: WriteRecord.Outcome, _ report: WriteReport) -> Response {
        switch outcome {
        case .applied: appliedResponse(report)
        case .unmet: unmetResponse(report)
        case .notApplied(let problem): problem.response
        case .unknown: Problem.writeOutcomeUnknown.response
        }
    }

    private func appliedResponse(_ report: WriteReport) -> Response {
        var tag: KeyTag?
        if case .put(let value, _) = change { tag = KeyTag(of: value.readableBytesUInt8Span) }
        return AppliedWrite(existed: existed, tag: tag, isDemanding: demand != nil, acknowledged: acknowledged)
            .response(report)
    }

    private func unmetResponse(_ report: WriteReport) -> Response {
        // The condition was met, but there was nothing to delete.
        let isMissing = change.isDeletion && existed == false && condition.isMet(by: .nothing)
        let problem = isMissing ? Problem.keyNotFound : .preconditionFailed
        var response = Response(problem.head(server: report.servedBy), body: problem.body)
        if let token = report.token { response.head.add("Replication-Token", token.bytes) }
        if let acknowledged { response.head.add("Replicas-Acknowledged", "\(acknowledged)") }
        return response
    }
}
