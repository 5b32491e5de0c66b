import HTTPWire
import NIOCore
import RedisClient
import Replication

/// Commands for the master, and an INFO replication behind them. They are sent once more where they were surely not applied.
class WriteExchange: ReceivingExchange {
    final let service: KeyValueService
    private var isSecondTry = false
    /// The connection that the commands went over, where it is not the one that all writes share.
    private var ownConnection: RedisConnection?
    /// What the answer will be, where INFO is the only reply still owed to a request that failed.
    final var problem: Problem?

    init(
        _ request: borrowing RequestView, connection: HTTPConnection, service: KeyValueService,
        contentType: StaticString? = nil
    ) {
        self.service = service
        super.init(
            request, connection: connection, limitBytes: service.http.limits.maximumBodyBytes, contentType: contentType)
    }

    // MARK: What a kind of write says

    /// How many commands ``encode(into:)`` writes.
    var commands: Int { 1 }

    /// How long the last of the commands may wait for replicas, where it is a WAIT: `nil` where there is none. It holds up
    /// what is behind it, so the commands get a connection of their own meanwhile.
    var acknowledgementWait: Duration? { nil }

    /// In which form INFO is wanted.
    class var information: InformationForm { .parsed }

    /// Writes the commands in RESP; called anew where they are sent once more.
    func encode(into buffer: inout ByteBuffer) {
        preconditionFailure("a write overrides encode(into:)")
    }

    /// Takes the reply to a command, if it is no error.
    ///
    /// - Returns: `false` where the command never gets such a reply: the connection is given up then.
    func accept(_ reply: RedisReply, at index: Int) -> Bool { reply.isSimple }

    /// What an error reply to a command means for the whole request; `nil` where it goes on.
    func problem(of error: Span<UInt8>, at index: Int) -> Problem? { Problem(redisError: error) }

    /// Takes INFO in the form ``InformationForm/text``, and answers.
    func answer(_ information: Span<UInt8>) {
        preconditionFailure("a write that asks for the text overrides answer(_:)")
    }

    /// Takes INFO in the form ``InformationForm/parsed``, and answers.
    func answer(_ information: ReplicationInfo) {
        preconditionFailure("a write overrides answer(_:)")
    }

    // MARK: What all have in common

    /// The head of an answer from the master: it names the server.
    final func head(_ status: ResponseStatus = .ok, _ contentType: ResponseHead.ContentType) -> ResponseHead {
        var head = ResponseHead(status: status, contentType: contentType)
        head.server = service.redis.master.servedFields
        return head
    }

    private var server: RedisConnection { ownConnection ?? service.redis.master }

    /// Sends the commands, or waits for the master with them.
    final func send() {
        do throws(RedisFailure) {
            try submit()
        } catch {
            // The connection was lost a moment ago, and is most likely back in another.
            if error == .notConnected, service.redis.master.isComingBack,
                sendOnceMore(otherwise: Problem(error, role: "Redis master"))
            {
                return
            }
            fail(error)
        }
    }

    private func submit() throws(RedisFailure) {
        if let wait = acknowledgementWait {
            try service.redis.submitAcknowledgedWrite(self, replies: commands, wait: wait) { connection, buffer in
                self.ownConnection = connection
                self.encode(into: &buffer)
            }
        } else {
            try service.redis.submitWrite(self, replies: commands, information: Self.information) { encode(into: &$0) }
        }
    }

    final override func receive(_ reply: RedisReply, at index: Int) {
        guard index < commands else { return receiveInformation(reply) }
        if case .error(let text) = reply {
            service.redis.master.observe(error: text)
            problem = problem ?? problem(of: text, at: index)
        } else if !accept(reply, at: index) {
            server.distrust()
        }
    }

    private func receiveInformation(_ reply: RedisReply) {
        if answerProblem() { return }
        switch reply {
        case .bulk(let text): answer(text)
        case .error(let text):
            service.redis.master.observe(error: text)
            respond(Problem(redisError: text))
        case .simple, .integer, .null, .array: server.distrust()
        }
    }

    final override func receive(_ information: ReplicationInfo?) {
        if answerProblem() { return }
        guard let information else { return respond(.redisError(code: "unreadable answer to INFO")) }
        answer(information)
    }

    /// - Returns: whether there is a problem; the answer is given then, or the commands are sent once more.
    private func answerProblem() -> Bool {
        guard let problem else { return false }
        if problem == .redisReadOnly, sendOnceMore(otherwise: .redisReadOnly) { return true }
        respond(problem)
        return true
    }

    /// Sends what was surely not applied once more when the master is there, if that is soon.
    ///
    /// - Returns: `false` where it is not worth the wait; nothing is answered then.
    private func sendOnceMore(otherwise refusal: Problem) -> Bool {
        guard !isSecondTry else { return false }
        isSecondTry = true
        return service.redis.waitForMaster { isFound in
            guard isFound else { return self.respond(refusal) }
            self.problem = nil
            do throws(RedisFailure) {
                try self.submit()
            } catch {
                self.fail(error)
            }
        }
    }

    override func fail(_ failure: RedisFailure) { respond(Problem(failure, role: "Redis master")) }
}
