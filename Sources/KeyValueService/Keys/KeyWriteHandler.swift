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
class KeyWriteHandler: WriteHandler {
    /// The longest value whose tag is compared in a transaction: it is brought here for that.
    static let maximumComparedBytes = 8 << 20
    /// How often a transaction is begun that others' writes end.
    private static let maximumTransactions = 8

    private enum Way {
        case single
        case script(isKnown: Bool)
        case transaction
    }

    private enum Command {
        case exists, write, script, wait
        case watch, value, multi
        case queue, execute, discard
    }

    final let key: [UInt8]
    private let demand: AcknowledgementDemand?
    private let condition: WriteCondition
    private var change = KeyChange.delete
    private var way = Way.single
    /// How the write is tried next, where the reply asks for another way.
    private var following: Way?
    private var transactions = 0
    /// Those that are under way.
    private var sent: [Command] = []
    /// Whether there was a value before; `nil` where that is not known.
    private var existed: Bool?
    private var acknowledged: Int64?
    private var stored: WriteCondition.Stored?
    /// What is wrong with what goes before a transaction's write.
    private var preparationProblem: Problem?
    private var isInTransaction = false

    /// - Throws: what is wrong in the query or in a precondition.
    init(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, connection: HTTPConnection, key: [UInt8],
        service: KeyValueService
    ) throws(Problem) {
        try ConsistencyDemand.refuse(in: request, target)
        self.key = key
        demand = try AcknowledgementDemand(target)
        condition = try WriteCondition(request)
        super.init(request, connection: connection, service: service)
    }

    /// Carries the change out if the condition is met.
    final func write(_ change: KeyChange) throws(Problem) {
        self.change = change
        switch condition.kind {
        case .never: throw .preconditionFailed
        case .always, .present: way = .single
        case .absent: way = change.isDeletion ? .script(isKnown: true) : .single
        // A value that is long most likely takes the place of one that is, too.
        case .compare: way = change.isLong ? .transaction : .script(isKnown: true)
        }
        send()
    }

    // MARK: Sending

    final override var commands: Int { sent.count }

    final override var acknowledgementWait: Duration? { demand.map { .milliseconds($0.withinMilliseconds) } }

    final override func submit() throws(RedisFailure) {
        following = nil
        existed = nil
        acknowledged = nil
        switch way {
        case .single: sent = !change.isDeletion && condition.kind == .always ? [.exists, .write] : [.write]
        case .script: sent = [.script]
        case .transaction: return try submitTransaction()
        }
        if demand != nil { sent.append(.wait) }
        try super.submit()
    }

    private func submitTransaction() throws(RedisFailure) {
        transactions += 1
        stored = nil
        preparationProblem = nil
        isInTransaction = false
        isPreparing = true
        sent = [.watch, .value, .multi]
        try service.redis.submitExclusiveWrite(self, phase(hasInformation: false), next: { self.nextPhase() })
    }

    private func phase(hasInformation: Bool, wait: Duration = .zero) -> ExclusivePhase {
        ExclusivePhase(replies: sent.count, wait: wait, hasInformation: hasInformation) { connection, buffer in
            self.ownConnection = connection
            self.servedBy = connection.servedFields
            self.encode(into: &buffer)
        }
    }

    /// What follows WATCH, GET and MULTI, once all of them are answered.
    private func nextPhase() -> ExclusivePhase? {
        isPreparing = false
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
        return phase(hasInformation: true, wait: acknowledgementWait ?? .zero)
    }

    private func endTransaction() -> ExclusivePhase? {
        guard isInTransaction else {
            settle()
            return nil
        }
        sent = [.discard]
        return phase(hasInformation: true)
    }

    final override func encode(into buffer: inout ByteBuffer) {
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

    // MARK: Replies

    final override func command(at index: Int) -> RedisCommand {
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

    final override func accept(_ reply: RedisReply, at index: Int) -> Bool {
        switch sent[index] {
        case .exists: return acceptExistence(reply)
        case .write: return acceptWrite(reply)
        case .script: return acceptScript(reply)
        case .wait: return acceptAcknowledgement(reply)
        case .watch: return acceptPreparation(reply)
        case .value: return acceptValue(reply)
        case .multi:
            isInTransaction = reply.isSimple
            return acceptPreparation(reply)
        case .queue: return acceptQueued(reply)
        case .execute: return acceptExecution(reply)
        case .discard: return reply.isSimple || reply.isError
        }
    }

    private func acceptExistence(_ reply: RedisReply) -> Bool {
        switch reply {
        case .integer(let count): existed = count > 0
        // What EXISTS may not say is missing in the answer.
        case .error: break
        case .bulk, .simple, .null, .array: return false
        }
        return true
    }

    private func acceptWrite(_ reply: RedisReply) -> Bool {
        switch (reply, change) {
        case (.error(let text), _): record.replied(.init(error: text))
        case (.simple, .put) where reply.isOK:
            // The condition was met, so it says whether the key existed, not the EXISTS of a moment before.
            if condition.kind != .always { existed = condition.kind == .present }
            record.replied(.applied)
        case (.null, .put) where condition.kind == .absent || condition.kind == .present: record.replied(.unmet)
        case (.integer(let count), .delete):
            existed = count > 0
            record.replied(count > 0 ? .applied : .unmet)
        default: return false
        }
        return true
    }

    private func acceptScript(_ reply: RedisReply) -> Bool {
        switch reply {
        case .integer(let number):
            switch CompareScript.Reply(number) {
            case .unmet: record.replied(.unmet)
            case .applied(let existed):
                self.existed = existed
                record.replied(!existed && change.isDeletion ? .unmet : .applied)
            case .tooLong(let bytes) where bytes > Self.maximumComparedBytes:
                record.replied(.refused(.valueTooLargeToCompare(limitBytes: Self.maximumComparedBytes)))
            case .tooLong: tryNext(.transaction, instead: .writeContended)
            case nil: return false
            }
        case .error(let text):
            let refusal = WriteRecord.Reply(error: text)
            guard case .refused(let problem) = refusal, case .script(let isKnown) = way else {
                record.replied(refusal)
                return true
            }
            if text.startsWithCode("NOSCRIPT"), isKnown {
                tryNext(.script(isKnown: false), instead: problem)
            } else if text.startsWithCode("NOPERM") || text.startsWithCode("ERR") {
                tryNext(.transaction, instead: problem)
            } else {
                record.replied(refusal)
            }
        case .bulk, .simple, .null, .array: return false
        }
        return true
    }

    /// The attempt did nothing, and another way may do it.
    private func tryNext(_ way: Way, instead problem: Problem) {
        following = way
        record.replied(.refused(problem))
    }

    private func acceptAcknowledgement(_ reply: RedisReply) -> Bool {
        switch reply {
        case .integer(let count): acknowledged = count
        case .error: break
        case .bulk, .simple, .null, .array: return false
        }
        return true
    }

    private func acceptPreparation(_ reply: RedisReply) -> Bool {
        switch reply {
        case .simple: return true
        case .error(let text): refusePreparation(Problem(redisError: text))
        case .bulk, .integer, .null, .array:
            refusePreparation(.redisUnavailable(role: "Redis master"))
            return false
        }
        return true
    }

    private func acceptValue(_ reply: RedisReply) -> Bool {
        switch reply {
        case .bulk(let value): stored = .value(KeyTag(of: value))
        case .null: stored = .nothing
        case .error(let text):
            if text.startsWithCode("WRONGTYPE") {
                stored = .other
            } else {
                refusePreparation(Problem(redisError: text))
            }
        case .simple, .integer, .array: return false
        }
        return true
    }

    private func refusePreparation(_ problem: Problem) { preparationProblem = preparationProblem ?? problem }

    private func acceptQueued(_ reply: RedisReply) -> Bool {
        // A command that is not queued has EXEC do nothing.
        if case .error(let text) = reply { record.replied(.init(error: text)) } else if !reply.isSimple { return false }
        return true
    }

    private func acceptExecution(_ reply: RedisReply) -> Bool {
        switch reply {
        case .null: tryNext(.transaction, instead: .writeContended)
        case .error(let text):
            // EXECABORT Transaction discarded because of: READONLY …
            let cause = text.text.split(separator: "because of: ", maxSplits: 1).last.map { Array($0.utf8) } ?? []
            service.redis.master.observe(error: cause.span)
            record.replied(.init(error: cause.span))
        case .array(let replies):
            guard replies.count == 1 else { return false }
            switch (replies[0], change) {
            case (.simple(Array("OK".utf8)), .put): record.replied(.applied)
            case (.integer(let count), .delete): record.replied(count > 0 ? .applied : .unmet)
            case (.error(let text), _): record.replied(.init(error: text.span))
            default: return false
            }
        case .bulk, .simple, .integer: return false
        }
        return true
    }

    // MARK: The answer

    final override func conclude(_ text: Span<UInt8>) {
        if let following, case .notApplied = record.outcome {
            self.following = nil
            if case .transaction = following, transactions >= Self.maximumTransactions {
                return respond(.writeContended)
            }
            way = following
            return send()
        }
        switch record.outcome {
        case .applied: respondApplied()
        case .unmet: respondUnmet()
        case .notApplied(let problem): respond(problem.naming(mastersOf: service.redis))
        case .unknown: respond(.writeOutcomeUnknown)
        }
    }

    private var token: ReplicationToken? { information.flatMap(ReplicationToken.init(of:)) }

    private func respondApplied() {
        var missing: [IncompleteAnswer] = []
        var head = head(.noContent, .bytes)
        if case .put(let value, _) = change {
            if existed == false { head.status = .created }
            if existed == nil { missing.append(.status) }
            head.tag = KeyTag(of: value.readableBytesUInt8Span)
        }
        if let token { head.add("Replication-Token", token.bytes) } else { missing.append(.token) }
        if demand != nil {
            if let acknowledged {
                head.add("Replicas-Acknowledged", "\(acknowledged)")
            } else {
                missing.append(.acknowledged)
            }
        }
        head.addIncomplete(missing)
        respond(Response(head, body: ByteBuffer()))
    }

    private func respondUnmet() {
        // The condition was met, but there was nothing to delete.
        let isMissing = change.isDeletion && existed == false && condition.isMet(by: .nothing)
        let problem = isMissing ? Problem.keyNotFound : .preconditionFailed
        var response = Response(problem.head(server: servedBy), body: problem.body)
        if let token { response.head.add("Replication-Token", token.bytes) }
        if let acknowledged { response.head.add("Replicas-Acknowledged", "\(acknowledged)") }
        respond(response)
    }
}
