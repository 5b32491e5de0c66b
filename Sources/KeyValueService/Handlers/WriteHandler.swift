import HTTPWire
import NIOCore
import RedisClient
import RedisCore

/// A write: commands for the master, and an INFO replication behind them. They are sent once more where they were surely not
/// applied.
///
/// What is written is a ``WriteOperation``. What is answered is what ``WriteRecord`` knows of the write; what INFO or another
/// command beside it failed to tell is missing in the answer, and is named there (``ResponseHead/addIncomplete(_:)``).
final class WriteHandler: RequestHandler {
    private let service: KeyValueService
    private var operation: WriteOperation
    private var body: CollectedBody
    /// What is known of the write.
    private var record = WriteRecord()
    /// What goes before the write is under way: while it is, the write was surely not sent.
    private var isPreparing = false
    /// What INFO said behind the write; `nil` where it said nothing that can be used.
    private var information: ReplicationInfo?
    /// Names the server that the commands were sent to last, as header lines.
    private var servedBy: [UInt8] = []
    /// Replies are owed.
    private var isUnderWay = false
    /// Until when the write may wait for the master, once it has waited.
    private var holdEnd: NIODeadline?
    /// The connection that the commands went over, where it is not the one that all writes share.
    private var ownConnection: RedisConnection?

    init(
        _ request: borrowing RequestView, _ operation: WriteOperation, connection: HTTPConnection,
        service: KeyValueService
    ) {
        let limits = service.http.limits
        let limitBytes = limits.collectedBodyBytes
        self.service = service
        self.operation = operation
        body = CollectedBody(
            request, limitBytes: limitBytes, contentType: operation.contentType,
            mayBeLonger: operation.mayBeStreamed && limits.maximumBodyBytes > limitBytes)
        super.init(request.head, connection: connection)
    }

    /// The outcome of a write has to be reported.
    override var mayBeRefusedLate: Bool { false }

    // MARK: The body

    override func begin() {
        if let refusal = body.refusal {
            // Else the body is read to its end, so that the connection can go on.
            if body.isRefusedAtOnce { respondAndClose(refusal) }
        } else if body.expectsContinue {
            connection?.sendContinue(for: self)
        }
    }

    override func receiveBody(_ piece: ByteBuffer) {
        guard !isAnswered else { return }
        if !body.take(piece) { respondAndClose(body.tooLong) }
    }

    override func chargeBody() {
        guard !isAnswered, hasRoom(body.bytes) else { return }
        hold(body.bytes)
    }

    /// - Returns: whether so many bytes may be buffered for the body; otherwise a refusal is sent.
    private func hasRoom(_ bytes: Int) -> Bool {
        guard let budget = connection?.http.budget else { return true }
        let isRefused = bytes >= MemoryBudget.smallBytes ? budget.room < bytes - heldBytes : budget.isFull
        guard isRefused else { return true }
        budget.countRefusal()
        respondAndClose(.overloaded)
        return false
    }

    override func end() {
        guard !isAnswered else { return }
        if let refusal = body.refusal { return respond(refusal) }
        let body = body.finish()
        if body.readableBytes >= CollectedBody.chargedBytes {
            guard hasRoom(body.readableBytes) else { return }
            // Once more in what is sent to Redis.
            hold(2 * body.readableBytes)
        }
        guard body.readableBytes >= ReadCosts.bulkyBytes else { return take(body) }
        takeTurn(cost: body.readableBytes) { self.take(body) }
    }

    private func take(_ body: ByteBuffer) {
        do throws(Problem) {
            switch try operation.take(body) {
            case .send:
                if let cost = operation.cost(for: self) { takeTurn(cost: cost) { self.send() } } else { send() }
            case .read(let operations, nil): BatchRead(operations, for: self, service: service).begin()
            case .read(let operations, let demand?):
                ConsistentRead(.batch(operations), demand, for: self, service: service).begin()
            }
        } catch {
            respond(error)
        }
    }

    // MARK: Sending

    private var server: RedisConnection { ownConnection ?? service.redis.master }

    /// Sends the commands, or waits for the master with them.
    private func send() {
        isUnderWay = true
        information = nil
        if operation.wait != nil { turn = nil }
        do throws(RedisFailure) {
            try submit()
        } catch {
            fail(error)
        }
    }

    /// Gives the commands to a connection.
    private func submit() throws(RedisFailure) {
        let sending = operation.begin()
        if case .prepared = sending {
            isPreparing = true
            return try service.redis.submitExclusiveWrite(
                self, phase(hasInformation: false), next: { self.nextPhase() })
        }
        record.begin()
        servedBy = service.redis.master.servedFields
        if case .alone(let wait) = sending {
            return try service.redis.submitExclusiveWrite(self, phase(hasInformation: true, wait: wait))
        }
        try service.redis.submitWrite(
            self, replies: operation.commands, information: operation.informationForm
        ) {
            operation.encode(into: &$0)
        }
    }

    private func phase(hasInformation: Bool, wait: Duration = .zero) -> ExclusivePhase {
        ExclusivePhase(replies: operation.commands, wait: wait, hasInformation: hasInformation) { connection, buffer in
            self.ownConnection = connection
            self.servedBy = connection.servedFields
            self.operation.encode(into: &buffer)
        }
    }

    /// What follows, once all is answered that goes before the write.
    private func nextPhase() -> ExclusivePhase? {
        isPreparing = false
        guard let wait = operation.next(&record) else {
            settle()
            return nil
        }
        return phase(hasInformation: true, wait: wait)
    }

    // MARK: Replies

    override func command(at index: Int) -> RedisCommand { operation.command(at: index) }

    override func receive(_ reply: RedisReply, at index: Int) {
        if case .error(let text) = reply { observe(text, at: index) }
        guard index < operation.commands else { return receiveInformation(reply) }
        if !operation.accept(reply, at: index, &record, room: answerRoom) { return server.distrust() }
        let held = operation.resultBytes
        if held >= MemoryBudget.smallBytes { hold(held) }
    }

    private func observe(_ error: Span<UInt8>, at index: Int) {
        service.redis.master.observe(error: error)
        guard case .exec = operation.command(at: index) else { return }
        let cause = error.causeOfAbort
        service.redis.master.observe(error: cause.span)
    }

    override func receive(_ information: ReplicationInfo?) {
        self.information = information
        if operation.informationForm == .parsed { settle() }
    }

    /// INFO's text, or an error in its place.
    private func receiveInformation(_ reply: RedisReply) {
        switch reply {
        case .bulk(let text): settle(text)
        case .error: settle()
        case .simple, .integer, .null, .array:
            server.distrust()
            settle()
        }
    }

    override func fail(_ failure: RedisFailure) {
        guard isUnderWay else { return }
        if isPreparing { record.decide(.refused(Problem(failureBeforeWrite: failure))) } else { record.failed(failure) }
        settle()
    }

    // MARK: The end

    /// Nothing more comes: answers, or sends what was surely not applied once more when the master is there.
    private func settle() {
        let none: [UInt8] = []
        settle(none.span)
    }

    private func settle(_ text: Span<UInt8>) {
        guard isUnderWay else { return }
        isUnderWay = false
        isPreparing = false
        let redis = service.redis
        if record.mayRepeat(isComingBack: redis.isMasterComingBack, findsLeader: redis.findsLeader), sendOnceMore() {
            return
        }
        conclude(text)
    }

    /// - Returns: `false` where it is not worth the wait.
    private func sendOnceMore() -> Bool {
        let redis = service.redis
        // Where a master is configured, it is sent once more only.
        guard holdEnd == nil || redis.findsLeader else { return false }
        if redis.findsLeader, heldBytes < Self.heldWriteBytes {
            guard let connection, connection.http.budget.room >= Self.heldWriteBytes else { return false }
            hold(Self.heldWriteBytes)
            // So little is not looked at by itself, and many connections may have it for long.
            connection.settle()
        }
        // A write that waits for the master takes no turn from others.
        turn = nil
        let end = redis.waitForMaster(startedAt: startedAt, deadline: holdEnd) { isFound in
            let none: [UInt8] = []
            if isFound, !self.isOvertaken { self.send() } else { self.conclude(none.span) }
        }
        if let end { holdEnd = end }
        return end != nil
    }

    /// What a write that waits counts for in the memory budget at the least.
    private static let heldWriteBytes = 4096

    /// Whether a later write of the same connection may have been applied already: this one must not come after it.
    private var isOvertaken: Bool {
        guard service.redis.findsLeader, let connection else { return false }
        return connection.laterHandlers(than: self).contains { ($0 as? WriteHandler)?.record.mayBeApplied == true }
    }

    /// Answers, or tries another way.
    ///
    /// - Parameter text: what INFO said, in the form ``InformationForm/text``; empty where it is not asked for, and where
    ///   nothing came.
    private func conclude(_ text: Span<UInt8>) {
        let outcome = record.outcome
        if case .notApplied(let problem) = outcome {
            switch operation.repetition() {
            case .none: return respond(problem.naming(mastersOf: service.redis))
            case .again: return send()
            case .refuse(let problem): return respond(problem)
            }
        }
        let report = WriteReport(
            servedBy: servedBy, token: information.flatMap(ReplicationToken.init(of:)), hasText: !text.isEmpty)
        switch operation.answer(outcome, report) {
        case .response(let response): respond(response)
        case .original(let answer, let head): respond(answer, head, replication: text)
        }
    }
}

extension Problem {
    /// Why a write was not sent: what goes before it has failed.
    init(failureBeforeWrite failure: RedisFailure) {
        self =
            failure.isOfTheReply
            ? .valueTooLargeToCompare(limitBytes: KeyWrite.maximumComparedBytes)
            : failure == .timedOut
                ? .redisUnavailable(role: "Redis master") : Problem(failure, role: "Redis master")
    }
}
