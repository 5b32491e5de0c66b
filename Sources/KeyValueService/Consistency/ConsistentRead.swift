import HTTPWire
import NIOCore
import RedisClient
import RedisCore

/// A read with a ``ConsistencyDemand``: what a server has that is proven to be fresh enough, or with a token.
///
/// ``ConsistentReadState`` decides; this asks, waits and answers. What waits ends with the read's deadline, or when the
/// client is gone. It is kept by what it waits for.
final class ConsistentRead {
    private let question: ReadQuestion
    private let demand: ConsistencyDemand
    private let preconditions: ReadPreconditions
    /// The one server that may be asked; `nil` where all may.
    private let onlyServer: RedisConnection?
    private let handler: RequestHandler
    /// How the answer names this app; empty where it does not.
    private let app: [UInt8]
    private let service: KeyValueService
    private let whenFound: ((_ reader: RedisLoop.Reader, _ verdict: ReplicationVerdict?) -> Void)?
    private var reader: RedisLoop.Reader?
    private var state: ConsistentReadState
    /// The point in the master's stream that proves ``ConsistencyDemand/maximumLagMilliseconds``.
    private var sample: ReplicationToken?
    private var attempt: ReadAttempt?
    private var failures = ReadAttempts()
    private var asked: [RedisConnection] = []
    /// Until when the read may wait.
    private var waitEnd = NIODeadline.uptimeNanoseconds(0)
    private var hasWaited = false
    private var isOutOfPatience = false
    /// Others' requests that cost much are before it: no server has been asked yet.
    private var waitsForTurn = false
    /// What the last server gave that returned its value.
    private var read: (stored: ReadAttempt.Stored, after: ReplicationInfo?)?
    private var isOver = false
    /// The value is known to be large: it is asked for over its own connection.
    private var isLarge = false
    private var patience: Scheduled<Void>?
    private var deadline: Scheduled<Void>?

    /// - Parameters:
    ///   - onlyServer: the one that has to answer; where it cannot show what is demanded, the answer is
    ///     ``Problem/cursorGone``.
    ///   - whenFound: takes the server that has shown what is demanded, in place of an answer.
    init(
        _ question: ReadQuestion, _ demand: ConsistencyDemand, preconditions: ReadPreconditions = ReadPreconditions(),
        for handler: RequestHandler, app: [UInt8] = [], service: KeyValueService, onlyServer: RedisConnection? = nil,
        whenFound: ((_ reader: RedisLoop.Reader, _ verdict: ReplicationVerdict?) -> Void)? = nil
    ) {
        self.question = question
        self.demand = demand
        self.preconditions = preconditions
        self.handler = handler
        self.app = app
        self.service = service
        self.onlyServer = onlyServer
        self.whenFound = whenFound
        self.state = ConsistentReadState(wantsLag: demand.maximumLagMilliseconds != nil)
    }

    func begin() {
        isLarge = question.key.map(service.redis.expectsLarge) ?? false
        guard demand.needsProof else { return askAny() }
        let now = NIODeadline.now()
        sample = demand.maximumLagMilliseconds.flatMap {
            service.redis.master.offsets.token(
                noOlderThanNanoseconds: $0 * 1_000_000, atNanoseconds: Int64(clamping: now.uptimeNanoseconds))
        }
        let configuration = service.redis.configuration
        waitEnd = now + .milliseconds(demand.waitMilliseconds)
        // A replica that does not answer at all is not waited for longer than one that answers that it is behind; nor less
        // long than a stall takes to be one.
        patience = schedule(at: max(waitEnd, now + TimeAmount(configuration.stallTimeout))) { $0.turnToMaster() }
        deadline = schedule(at: waitEnd + TimeAmount(configuration.commandTimeout)) {
            // What is large has deadlines of its own.
            if $0.isLarge, $0.attempt?.kind == .value { return }
            if $0.waitsForTurn { return $0.finish(refusing: .overloaded) }
            $0.finish(refusing: $0.demand.maximumLagMilliseconds == nil ? .redisTimeout : .replicationLagUnknown)
        }
        take(state.begin(mayProve: demand.maximumLagMilliseconds == nil || sample != nil))
    }

    // MARK: Steps

    private func take(_ step: ConsistentReadState.Step) {
        switch step {
        case .askReplica: ask(service.redis.replicaInStep { mayAsk($0) && !failures.include($0) })
        case .askOtherReplica:
            ask(
                service.redis.replicaInStep { candidate in
                    mayAsk(candidate) && !failures.include(candidate) && !asked.contains { $0 === candidate }
                })
        case .askMaster: askMaster()
        case .askAgain(let milliseconds): wait(milliseconds)
        case .answer(let verdict): answer(verdict)
        case .refuse(let problem): finish(refusing: problem)
        }
    }

    private func mayAsk(_ server: RedisConnection) -> Bool { onlyServer.map { $0 === server } ?? true }

    private func ask(_ reader: RedisLoop.Reader?) {
        guard let reader else { return take(state.replicaMissing()) }
        if !asked.contains(where: { $0 === reader.connection }) { asked.append(reader.connection) }
        ask(reader, for: hasWaited ? .look : .value)
    }

    private func askMaster() {
        guard mayAsk(service.redis.master) else { return take(state.masterMissing(.cursorGone, hasTime: hasTime)) }
        guard let reader = service.redis.masterReader else {
            let failure = service.redis.master.isDenied ? RedisFailure.denied : .notConnected
            return take(state.masterMissing(Problem(failure, role: "Redis master"), hasTime: hasTime))
        }
        ask(reader, for: .value)
    }

    /// Where nothing has to be proven: as any read.
    private func askAny() {
        guard let reader = service.redis.reader(excluding: failures) else {
            return finish(refusing: Problem(noReaderOf: service.redis))
        }
        ask(reader, for: .value)
    }

    /// Where the server is, is asked at once; for what may be large there are turns.
    private func ask(_ reader: RedisLoop.Reader, for kind: ReadAttempt.Kind) {
        guard kind == .value, !isLarge, let cost = cost else { return askNow(reader, for: kind) }
        waitsForTurn = true
        handler.takeTurn(cost: cost) {
            self.waitsForTurn = false
            if self.isEnded { self.stop() } else { self.askNow(reader, for: kind) }
        }
    }

    /// `nil` where it is small as far as is known.
    private var cost: Int? {
        switch question {
        case .key(let key, _): handler.expectedCost(of: key)
        case .batch(let operations): BatchCost(operations).bytes(handler)
        case .position: nil
        }
    }

    private func askNow(_ reader: RedisLoop.Reader, for kind: ReadAttempt.Kind) {
        self.reader = reader
        let attempt = ReadAttempt(
            kind, question, at: reader, wantsToken: demand.wantsToken, isLarge: isLarge, service: service
        ) { self.take($1, of: $0) }
        self.attempt = attempt
        do {
            try attempt.submit()
            handler.noteAsked(by: attempt)
        } catch {
            attempt.abandon()
            take(.failed(error), of: attempt)
        }
    }

    private func wait(_ milliseconds: Int64) {
        hasWaited = true
        forgetRead()
        // A whole millisecond, so that those who wait share what they ask.
        let millisecond: UInt64 = 1_000_000
        let time = (NIODeadline.now() + .milliseconds(milliseconds)).uptimeNanoseconds
        service.waitForReplica(until: .uptimeNanoseconds((time + millisecond - 1) / millisecond * millisecond)) {
            // The client may be gone, or the deadline over.
            if self.isEnded { return self.stop() }
            self.take(self.isOutOfPatience ? .askMaster : .askReplica)
        }
    }

    /// Whether the read may wait on.
    private var hasTime: Bool { NIODeadline.now() < waitEnd && service.mayWaitForReplica }

    /// The time to wait is over, and a replica is still to answer.
    private func turnToMaster() {
        isOutOfPatience = true
        // What is large may come late without a fault of the server.
        if isLarge, attempt?.kind == .value { return }
        guard let attempt, attempt.reader.connection !== service.redis.master else { return }
        attempt.abandon()
        self.attempt = nil
        take(.askMaster)
    }

    // MARK: What servers say

    private func take(_ outcome: ReadAttempt.Outcome, of attempt: ReadAttempt) {
        guard !isEnded else {
            if case .read(.large(let value), _, _) = outcome { value.release() }
            return stop()
        }
        self.attempt = nil
        if case .read(let stored, _, _) = outcome { handler.learn(question.key, bytes: stored.bytes) }
        handler.turn = nil
        let connection = attempt.reader.connection
        let isMaster = connection === service.redis.master
        switch outcome {
        case .saw(let information):
            let step = state.replicaSaid(verdict(of: information), hasTime: hasTime)
            // What it saw is enough to ask it for the value, not to answer.
            if case .answer = step { ask(attempt.reader, for: .value) } else { take(step) }
        case .read(let stored, let before, let after):
            forgetRead()
            read = (stored, after)
            if !demand.needsProof { return answerAny(stored, of: attempt) }
            if isMaster {
                take(
                    state.masterSaid(
                        masterVerdict(of: before), isMaster: before.role == .master, hasTime: hasTime))
            } else {
                take(state.replicaSaid(verdict(of: before), hasTime: hasTime))
            }
        case .failed(.displaced): askAfterDisplacement(attempt)
        case .refused(let problem): goOn(after: nil, problem, at: connection, isMaster: isMaster)
        case .failed(let failure):
            let problem = Problem(failure, role: isMaster ? "Redis master" : "Redis server")
            goOn(after: failure, problem, at: connection, isMaster: isMaster)
        }
    }

    /// Answers what nothing has to be proven of. A replica without its master that lacks a key may have lost its data.
    private func answerAny(_ stored: ReadAttempt.Stored, of attempt: ReadAttempt) {
        guard attempt.reader.isStale, stored.lacksKeys else { return answer(nil) }
        attempt.reader.confirmData { data in
            guard !self.isEnded else { return self.stop() }
            switch data {
            case .kept: self.answer(nil)
            case .replaced: self.askAfterDisplacement(attempt)
            case .lost, .unknown:
                let problem = Problem(.notConnected, role: "Redis server")
                self.goOn(after: nil, problem, at: attempt.reader.connection, isMaster: false)
            }
        }
    }

    /// A large value took the connection, or the value is large no longer.
    private func askAfterDisplacement(_ attempt: ReadAttempt) {
        if attempt.hasMetLarge || isLarge {
            isLarge = attempt.hasMetLarge
            if let key = question.key { service.redis.note(key, isLarge: isLarge) }
        }
        guard failures.mayGoOnAfterDisplacement() else {
            return finish(refusing: Problem(.displaced, role: "Redis server"))
        }
        ask(attempt.reader, for: attempt.kind)
    }

    private func goOn(
        after failure: RedisFailure?, _ problem: Problem, at connection: RedisConnection, isMaster: Bool
    ) {
        // The next server would only lose its connection, too.
        if failure?.isOfTheReply == true { return finish(refusing: problem) }
        let mayGoOn = failures.mayGoOn(after: connection, failing: failure)
        switch (demand.needsProof, isMaster) {
        case (true, true): take(state.masterMissing(problem, hasTime: hasTime))
        case (true, false): take(mayGoOn ? .askReplica : .askMaster)
        case (false, _):
            if mayGoOn, service.redis.reader(excluding: failures) != nil { askAny() } else { finish(refusing: problem) }
        }
    }

    /// Of a replica: all that is demanded counts.
    private func verdict(of information: ReplicationInfo) -> ReplicationVerdict {
        if demand.maximumLagMilliseconds != nil, sample == nil { return .unknown }
        let verdicts = [demand.after, sample].compactMap { $0 }.map(information.verdict)
        return [.lost, .unknown, .wait].first { verdicts.contains($0) } ?? .satisfied
    }

    /// Of the master, which is never behind itself.
    private func masterVerdict(of information: ReplicationInfo) -> ReplicationVerdict {
        guard information.role == .master else { return verdict(of: information) }
        return demand.after.map(information.verdict) ?? .satisfied
    }

    // MARK: The end

    private func answer(_ verdict: ReplicationVerdict?) {
        guard let read, let reader else { return finish(refusing: .unreadableInformation) }
        stop()
        if let whenFound { return whenFound(reader, demand.after == nil ? nil : verdict) }
        reader.connection.noteAnsweredRead()
        var head = ResponseHead(question.contentType, from: reader, app: app)
        if demand.wantsToken, let token = read.after.flatMap(ReplicationToken.init(of:)) {
            head.add("Replication-Token", token.bytes)
        }
        if let verdict, demand.after != nil { head.add("Replication-Verdict", verdict.rawValue) }
        switch read.stored {
        case .bytes(let value): handler.answer(value.readableBytesUInt8Span, head, preconditions)
        case .large(let value): answer(value, head)
        case .document(let document, let milliseconds):
            handler.answer(document, head, timeToLive: milliseconds, preconditions)
        case .original(let key, let value, let replication):
            let answer = OriginalAnswer(.get, key: key, value: value, podIP: service.escapedPodIP)
            handler.respond(answer, head, replication: replication.readableBytesUInt8Span)
        case .results(let results): handler.respond(Response(head, body: results.finished()))
        case .position: finish(refusing: .unreadableInformation)
        case .problem(let problem):
            handler.respond(Response(problem.head(like: head), body: problem.body))
        }
    }

    private func answer(_ value: LargeValue, _ head: ResponseHead) {
        guard let handler = handler as? ConsistentReadHandler, let key = question.key else { return value.release() }
        service.redis.note(key, isLarge: true)
        handler.large = LargeAnswer(value, of: key, head, preconditions, for: handler, service: service) {
            handler.respond(Problem($0, role: "Redis server"))
        }
        handler.large?.begin()
    }

    /// Lets go of a value that is not answered.
    private func forgetRead() {
        if case .large(let value) = read?.stored { value.release() }
        read = nil
    }

    private func finish(refusing problem: Problem) {
        stop()
        forgetRead()
        handler.respond(onlyServer != nil && problem == .replicationLagUnknown ? .cursorGone : problem)
    }

    private var isEnded: Bool { isOver || handler.isAnswered }

    /// Ends all that waits.
    private func stop() {
        isOver = true
        attempt?.abandon()
        attempt = nil
        patience?.cancel()
        deadline?.cancel()
    }

    private func schedule(at time: NIODeadline, _ body: @escaping (ConsistentRead) -> Void) -> Scheduled<Void> {
        service.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            if self.isEnded {
                self.stop()
                self.forgetRead()
            } else {
                body(self)
            }
        }
    }
}
