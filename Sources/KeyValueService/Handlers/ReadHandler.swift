import HTTPWire
import NIOCore
import RedisClient

/// A GET of one key, asked of the server that is fittest; of another, where that one cannot answer.
class ReadHandler: RequestHandler {
    final let key: [UInt8]
    final let service: KeyValueService
    /// The server that was asked last.
    final var reader: RedisLoop.Reader?
    private var attempts = ReadAttempts()
    /// The value is known to be large, or others are too often: it is asked for over its own connection.
    final var isLarge = false
    /// How the answer names this app, for reads that show which one answered; empty for all others.
    final var app: [UInt8] = []

    init(_ head: borrowing RequestHead, connection: HTTPConnection, key: [UInt8], service: KeyValueService) {
        self.key = key
        self.service = service
        super.init(head, connection: connection)
    }

    /// Whether INFO replication is asked for behind the value, and in which form.
    class var information: InformationForm? { nil }

    /// How many commands ``encode(into:)`` writes.
    var commands: Int { 1 }

    /// Writes the commands in RESP; called again for each server that is asked.
    func encode(into buffer: inout ByteBuffer) {
        let key = key
        buffer.writeGET(key: key.span)
    }

    /// The head of the answer from the server that was asked, which is counted with it: it names the server, and says so
    /// where that lost its master.
    final func head(_ contentType: ResponseHead.ContentType) -> ResponseHead {
        var head = ResponseHead(contentType: contentType)
        complete(&head)
        return head
    }

    private func complete(_ head: inout ResponseHead) {
        if let reader {
            reader.connection.noteAnsweredRead()
            head.server = reader.connection.servedFields
            head.isStale = reader.isStale
        }
        if !app.isEmpty { head.add("Served-App", app) }
    }

    /// How a large value is taken.
    var largeRead: RedisLoop.LargeRead { .gathered }

    override func begin() {
        isLarge = service.redis.expectsLarge(key)
        let isCheap = service.http.costs.knowsNothing && connection?.window.expectsSmall == true
        if isCheap || isLarge { askOrRefuse() } else { beginInTurn() }
    }

    private func askOrRefuse() {
        if !ask() { respond(Problem(service.redis.readFailure, role: "Redis server")) }
    }

    /// Asks when it is the read's turn, where the value may be bulky.
    private func beginInTurn() {
        guard wantsSize, let reader = service.redis.reader() else { return askInTurn() }
        let question = SizeQuestion { failure in
            if failure == .displaced { return self.askInTurn() }
            self.reader = reader
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
        guard let reader = service.redis.reader(excluding: attempts) else { return false }
        self.reader = reader
        do throws(RedisFailure) {
            if isLarge { return try askAlone(reader) }
            try reader.connection.submit(self, replies: commands, information: Self.information) { encode(into: &$0) }
        } catch {
            fail(error)
        }
        return true
    }

    private func askAlone(_ reader: RedisLoop.Reader) throws(RedisFailure) -> Bool {
        // Such connections are bounded by themselves.
        turn = nil
        try service.redis.submit(
            self, at: reader, as: largeRead, replies: commands, information: Self.information,
            isWanted: { self.connection != nil }, encode: { self.encode(into: &$0) })
        return true
    }

    /// Takes note of a value that came by itself. Over a separate connection: it may be large no longer.
    final func noteSize(_ bytes: Int) {
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
        guard attempts.mayGoOnAfterDisplacement() else {
            isLarge = true
            return ask()
        }
        guard !isLarge, let reader else { return ask() }
        let question = SizeQuestion { bytes in
            if let bytes, bytes > self.service.redis.largeBytes { self.noteLargeReply() }
            if !self.ask() { self.respond(Problem(self.service.redis.readFailure, role: "Redis server")) }
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
    final func problem(of error: Span<UInt8>) -> Problem {
        reader?.connection.observe(error: error)
        return Problem(redisError: error)
    }

    /// A reply that the command never has: what comes on this connection answers something else.
    final func distrust() { reader?.connection.distrust() }

    override func fail(_ failure: RedisFailure) {
        let isAskedAgain = failure == .displaced ? askAfterDisplacement() : askAnother(after: failure)
        if !isAskedAgain { respond(Problem(failure, role: "Redis server")) }
    }

    /// Gives the problem as the answer, unless another server may do better.
    final func answer(_ problem: Problem) {
        if problem == .redisUnavailable(role: "Redis server"), askAnother(after: nil) { return }
        var head = problem.head()
        complete(&head)
        respond(Response(head, body: problem.body))
    }

    /// What one server could not answer, another is asked, if there is one.
    private func askAnother(after failure: RedisFailure?) -> Bool {
        guard let reader, attempts.mayGoOn(after: reader.connection, failing: failure) else { return false }
        return ask()
    }
}
