import HTTPWire
import NIOCore
import RedisClient
import RedisCore

/// Commands for the master, and an INFO replication behind them. They are sent once more where they were surely not applied.
///
/// What is answered is what ``WriteRecord`` knows of the write; what INFO or another command beside it failed to tell is
/// missing in the answer, and is named there (``ResponseHead/addIncomplete(_:)``).
class WriteHandler: ReceivingHandler {
    final let service: KeyValueService
    /// What is known of the write.
    final var record = WriteRecord()
    /// What goes before the write is under way: while it is, the write was surely not sent.
    final var isPreparing = false
    /// What INFO said behind the write; `nil` where it said nothing that can be used.
    final private(set) var information: ReplicationInfo?
    /// Names the server that the commands were sent to last, as header lines.
    final var servedBy: [UInt8] = []
    /// Replies are owed.
    private var isUnderWay = false
    /// Until when the write may wait for the master, once it has waited.
    private var holdEnd: NIODeadline?
    /// The connection that the commands went over, where it is not the one that all writes share.
    final var ownConnection: RedisConnection?

    init(
        _ request: borrowing RequestView, connection: HTTPConnection, service: KeyValueService,
        contentType: StaticString? = nil
    ) {
        self.service = service
        super.init(
            request, connection: connection, limitBytes: service.http.limits.collectedBodyBytes,
            contentType: contentType)
    }

    // MARK: What a kind of write says

    /// How many commands ``encode(into:)`` writes.
    var commands: Int { 1 }

    /// How long the last of the commands may wait for replicas, where it is a WAIT: `nil` where there is none. It holds up
    /// what is behind it, so the commands get a connection of their own meanwhile.
    var acknowledgementWait: Duration? { nil }

    /// In which form INFO is wanted.
    class var informationForm: InformationForm { .parsed }

    /// Writes the commands in RESP; called again where they are sent once more.
    func encode(into buffer: inout ByteBuffer) {
        preconditionFailure("a write overrides encode(into:)")
    }

    /// Takes the reply to a command, an error too, and notes in ``record`` what it says of the write.
    ///
    /// - Returns: `false` where the command never gets such a reply: the connection is given up then.
    func accept(_ reply: RedisReply, at index: Int) -> Bool {
        preconditionFailure("a write overrides accept(_:at:)")
    }

    /// Answers by ``record`` and ``information``.
    ///
    /// - Parameter text: what INFO said, in the form ``InformationForm/text``; empty where it is not asked for, and where
    ///   nothing came.
    func conclude(_ text: Span<UInt8>) {
        preconditionFailure("a write overrides conclude(_:)")
    }

    // MARK: What all have in common

    /// The head of an answer from the master: it names the server.
    final func head(_ status: ResponseStatus = .ok, _ contentType: ResponseHead.ContentType) -> ResponseHead {
        var head = ResponseHead(status: status, contentType: contentType)
        head.server = servedBy
        return head
    }

    /// The outcome of a write has to be reported.
    final override var mayBeRefusedLate: Bool { false }

    private var server: RedisConnection { ownConnection ?? service.redis.master }

    /// Sends the commands, or waits for the master with them.
    final func send() {
        isUnderWay = true
        information = nil
        if acknowledgementWait != nil { turn = nil }
        do throws(RedisFailure) {
            try submit()
        } catch {
            fail(error)
        }
    }

    /// Gives the commands to a connection.
    func submit() throws(RedisFailure) {
        record.begin()
        servedBy = service.redis.master.servedFields
        guard let wait = acknowledgementWait else {
            return try service.redis.submitWrite(self, replies: commands, information: Self.informationForm) {
                encode(into: &$0)
            }
        }
        try service.redis.submitExclusiveWrite(
            self,
            ExclusivePhase(replies: commands, wait: wait, hasInformation: true) { connection, buffer in
                self.ownConnection = connection
                self.servedBy = connection.servedFields
                self.encode(into: &buffer)
            })
    }

    final override func receive(_ reply: RedisReply, at index: Int) {
        if case .error(let text) = reply { service.redis.master.observe(error: text) }
        guard index < commands else { return receiveInformation(reply) }
        if !accept(reply, at: index) { server.distrust() }
    }

    final override func receive(_ information: ReplicationInfo?) {
        self.information = information
        if Self.informationForm == .parsed { settle() }
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

    /// Nothing more comes: answers, or sends what was surely not applied once more when the master is there.
    final func settle() {
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
}

extension Problem {
    /// Why a write was not sent: what goes before it has failed.
    init(failureBeforeWrite failure: RedisFailure) {
        self =
            failure.isOfTheReply
            ? .valueTooLargeToCompare(limitBytes: KeyWriteHandler.maximumComparedBytes)
            : failure == .timedOut
                ? .redisUnavailable(role: "Redis master") : Problem(failure, role: "Redis master")
    }
}

/// What the answer to an applied write may have to leave out.
enum IncompleteAnswer: String, CaseIterable {
    /// Whether there was a value before: 204 stands for both then.
    case status = "status"
    case acknowledged = "replicas-acknowledged"
    case token = "replication-token"
    /// The member of that name.
    case replication = "redis-replication"
}

extension ResponseHead {
    /// Says that the write is applied and the answer is not complete, since Redis did not answer a command beside the write.
    mutating func addIncomplete(_ missing: [IncompleteAnswer]) {
        guard !missing.isEmpty else { return }
        add("Answer-Incomplete", missing.map(\.rawValue).joined(separator: ", "))
    }
}
