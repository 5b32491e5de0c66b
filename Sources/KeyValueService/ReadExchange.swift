import HTTPWire
import NIOCore
import RedisClient

/// A GET of one key, asked of the server that is fittest; of another, where that one cannot answer.
class ReadExchange: Exchange {
    final let key: [UInt8]
    final let service: KeyValueService
    /// The server that was asked last.
    final var reader: RedisLoop.Reader?
    private var attempts = ReadAttempts()
    /// The value is known to be large, or others are too often: it is asked for over a connection of its own.
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

    /// Writes the commands in RESP; called anew for each server that is asked.
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
        if !ask() { respond(Problem(service.redis.readFailure, role: "Redis server")) }
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
        try service.redis.submit(
            self, at: reader, as: largeRead, replies: commands, information: Self.information,
            isWanted: { self.connection != nil }, encode: { self.encode(into: &$0) })
        return true
    }

    /// Takes note of a value that came by itself over a connection of its own: it may be large no longer.
    final func noteSize(_ bytes: Int) {
        if isLarge { service.redis.note(key, isLarge: bytes > service.redis.largeBytes) }
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
