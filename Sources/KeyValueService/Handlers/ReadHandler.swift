import HTTPWire
import NIOCore
import RedisClient

/// A GET of one key, asked of the server that is fittest; of another, where that one cannot answer.
///
/// What is asked and answered depends on the ``KeyForm``: `KeyForm+Reading.swift` has the commands, `ReadHandler+Replies.swift`
/// what is made of the replies.
final class ReadHandler: RequestHandler {
    let key: [UInt8]
    let form: KeyForm
    let service: KeyValueService
    /// The values that the client has already.
    let known: EntityTagList
    /// How the answer names this app, for reads that show which one answered; empty for all others.
    private let app: [UInt8]
    private var read = RetriedRead()
    /// The value is known to be large, or others are too often: it is asked for over its own connection.
    private(set) var isLarge = false
    /// What has come of an answer that takes several replies.
    var part = Part.nothing
    var large: LargeAnswer?

    enum Part {
        case nothing
        case problem(Problem)
        case document(KeyDocument)
        /// Escaped for JSON.
        case original([UInt8])
    }

    /// - Parameter known: the values that the client has already.
    init(
        _ head: borrowing RequestHead, connection: HTTPConnection, key: [UInt8], form: KeyForm,
        known: EntityTagList = .noTag, app: [UInt8] = [], service: KeyValueService
    ) {
        self.key = key
        self.form = form
        self.known = known
        self.app = app
        self.service = service
        super.init(head, connection: connection)
    }

    override func command(at index: Int) -> RedisCommand { form.command(at: index) }

    /// The head of the answer from the server that was asked, which is counted with it.
    func head() -> ResponseHead {
        var head = ResponseHead(contentType: form.contentType)
        complete(&head)
        return head
    }

    private func complete(_ head: inout ResponseHead) {
        read.reader?.connection.noteAnsweredRead()
        head.complete(from: read.reader, app: app)
    }

    override func begin() {
        isLarge = service.redis.expectsLarge(key)
        let isCheap = service.http.costs.knowsNothing && connection?.window.expectsSmall == true
        if isCheap || isLarge { askOrRefuse() } else { beginInTurn() }
    }

    private func askOrRefuse() {
        if !ask() { respond(Problem(noReaderOf: service.redis)) }
    }

    /// Asks when it is the read's turn, where the value may be bulky.
    private func beginInTurn() {
        guard wantsSize, let reader = service.redis.reader() else { return askInTurn() }
        let question = SizeQuestion { failure in
            if failure == .displaced { return self.askInTurn() }
            self.read.ask(reader)
            self.fail(failure)
        } completion: { bytes in
            guard let bytes else { return self.askInTurn() }
            self.service.http.costs.note(self.key, bytes: bytes)
            guard self.connection != nil else { return }
            if bytes < ReadCosts.bulkyBytes { return self.askOrRefuse() }
            if self.isTooLarge(bytes) { self.refuseForLackOfRoom(bytes) } else { self.askInTurn() }
        }
        let key = key
        do {
            try reader.connection.submit(question, replies: 1) { $0.writeSTRLEN(key: key.span) }
        } catch {
            // The read has the same failure, and an answer for it.
            askOrRefuse()
        }
    }

    /// Whether the value's size is asked for before the value: where that was bulky and there is no room for so much, and where
    /// nothing is known of it while others' unknown values were bulky, or while it would have to wait.
    private var wantsSize: Bool {
        let http = service.http
        if let bytes = http.costs.bytes(of: key) { return isTooLarge(bytes) }
        guard let connection, connection.window.valueBytes == nil else { return false }
        return http.costs.isAlarmed || !http.turns.hasRoom(for: http.costs.unknownBytes)
    }

    private func askInTurn() {
        guard connection != nil else { return }
        guard let cost = expectedCost(of: key) else { return askOrRefuse() }
        takeTurn(cost: cost) { self.askOrRefuse() }
    }

    /// - Returns: whether there is a server to ask.
    private func ask() -> Bool {
        guard let reader = read.next(of: service.redis) else { return false }
        do throws(RedisFailure) {
            if isLarge { return try askAlone(reader) }
            try reader.connection.submit(self, replies: form.commands, information: form.information) {
                form.encode(key, into: &$0)
            }
        } catch {
            fail(error)
        }
        return true
    }

    private func askAlone(_ reader: RedisLoop.Reader) throws(RedisFailure) -> Bool {
        // Such connections are bounded by themselves.
        turn = nil
        try service.redis.submit(
            self, at: reader, as: form.largeRead, replies: form.commands, information: form.information,
            isWanted: { self.connection != nil }, encode: { self.form.encode(self.key, into: &$0) })
        return true
    }

    /// Takes note of a value that came by itself. Over a separate connection: it may be large no longer.
    func noteSize(_ bytes: Int) {
        if isLarge { service.redis.note(key, isLarge: bytes > service.redis.largeBytes) }
        if bytes < ReadCosts.bulkyBytes, service.http.costs.knowsNothing, let connection,
            connection.window.expectsSmall
        {
            connection.window.read(bytes)
        } else {
            learn(key, bytes: bytes)
        }
    }

    override var mayBeAskedAgain: Bool { true }

    override func noteLargeReply() {
        isLarge = true
        service.redis.note(key, isLarge: true)
    }

    /// A large value took the connection: the read is asked once more, and not for another large one over a shared one.
    private func askAfterDisplacement() -> Bool {
        guard read.mayGoOnAfterDisplacement() else {
            isLarge = true
            return ask()
        }
        guard !isLarge, let reader = read.reader else { return ask() }
        let question = SizeQuestion { bytes in
            if let bytes, bytes > self.service.redis.largeBytes { self.noteLargeReply() }
            if !self.ask() { self.respond(Problem(noReaderOf: self.service.redis)) }
        }
        let key = key
        do {
            try reader.connection.submit(question, replies: 1) { $0.writeSTRLEN(key: key.span) }
            return true
        } catch {
            return ask()
        }
    }

    /// What an error reply means for the client, and for the server's use from now on.
    func problem(of error: Span<UInt8>) -> Problem {
        read.reader?.connection.observe(error: error)
        return Problem(redisError: error)
    }

    /// A reply that the command never has: what comes on this connection answers something else.
    func distrust() { read.reader?.connection.distrust() }

    override func receive(_ reply: RedisReply, at index: Int) {
        switch form {
        case .bytes: receiveBytes(reply)
        case .document: if index == 0 { receiveForDocument(reply) } else { receiveTimeToLive(reply) }
        case .original: if index == 0 { receiveForOriginal(reply) } else { receiveInformation(reply) }
        }
    }

    override func fail(_ failure: RedisFailure) {
        let isAskedAgain =
            failure == .displaced ? askAfterDisplacement() : read.mayGoOn(after: failure) && ask()
        if !isAskedAgain { respond(Problem(failure, role: "Redis server")) }
    }

    /// Gives the problem as the answer, unless another server may do better.
    func answer(_ problem: Problem) {
        if problem == .keyNotFound, let reader = read.reader, reader.isStale {
            return reader.confirmData { self.answerNothing(when: $0) }
        }
        if read.mayGoOn(after: problem), ask() { return }
        finish(problem)
    }

    /// Answers that there is no such key, unless the replica that said so has lost its data.
    private func answerNothing(when data: RedisLoop.ReaderData) {
        guard let mayGoOn = read.mayGoOn(after: data) else { return finish(.keyNotFound) }
        if !(mayGoOn && ask()) { respond(Problem(.notConnected, role: "Redis server")) }
    }

    private func finish(_ problem: Problem) {
        var head = problem.head()
        complete(&head)
        respond(Response(head, body: problem.body))
    }

    /// A value that is taken piece by piece.
    override func take(_ value: LargeValue, at index: Int) -> Bool {
        guard form == .bytes else { return false }
        service.redis.note(key, isLarge: true)
        large = LargeAnswer(value, of: key, head(), ReadPreconditions(known: known), for: self, service: service) {
            self.fail($0)
        }
        large?.begin()
        return true
    }

    override func abandoned() { large?.cancel() }
}
