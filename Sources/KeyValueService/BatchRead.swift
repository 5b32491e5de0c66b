import NIOCore
import RedisClient

/// A batch that writes nothing, asked of the server that is fittest; of another, where that one cannot answer.
final class BatchRead: ReplyReceiver {
    private let operations: [BatchOperation]
    private let exchange: Exchange
    private let service: KeyValueService
    private var reader: RedisLoop.Reader?
    private var attempts = ReadAttempts()
    private var isLarge = false
    private var results = BatchResults()

    init(_ operations: [BatchOperation], for exchange: Exchange, service: KeyValueService) {
        self.operations = operations
        self.exchange = exchange
        self.service = service
    }

    func begin() {
        if !ask() { exchange.respond(Problem(service.redis.readFailure, role: "Redis server")) }
    }

    /// - Returns: whether there is a server to ask.
    private func ask() -> Bool {
        guard let reader = service.redis.reader(excluding: attempts) else { return false }
        self.reader = reader
        results = BatchResults()
        let operations = operations
        let encode: (inout ByteBuffer) -> Void = { buffer in
            for operation in operations { buffer.write(operation) }
        }
        do throws(RedisFailure) {
            if isLarge {
                try service.redis.submit(
                    self, at: reader, as: .gathered, replies: operations.count,
                    isWanted: { self.exchange.connection != nil }, encode: encode)
            } else {
                try reader.connection.submit(self, replies: operations.count, encode)
            }
        } catch {
            fail(error)
        }
        return true
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        guard let reader else { return }
        if case .error(let text) = reply { reader.connection.observe(error: text) }
        results.room = exchange.answerRoom
        guard results.take(reply, to: operations[index]) else { return reader.connection.distrust() }
        if results.bytes >= MemoryBudget.smallBytes { exchange.hold(results.bytes) }
        if index == operations.count - 1 { answer(from: reader) }
    }

    private func answer(from reader: RedisLoop.Reader) {
        if let problem = results.failureOfAll {
            if problem == .redisUnavailable(role: "Redis server"), askAnother(after: nil) { return }
            let head = problem.head(server: reader.connection.servedFields)
            return respond(Response(head, body: problem.body))
        }
        var head = ResponseHead(contentType: .json)
        head.server = reader.connection.servedFields
        head.isStale = reader.isStale
        let results = results
        self.results = BatchResults()
        respond(Response(head, body: results.finished()))
    }

    override var mayBeAskedAgain: Bool { true }

    override func noteLargeReply() { isLarge = true }

    override func fail(_ failure: RedisFailure) {
        if failure == .displaced {
            if !attempts.mayGoOnAfterDisplacement() { isLarge = true }
            if ask() { return }
        }
        if !askAnother(after: failure) { respond(Problem(failure, role: "Redis server").response) }
    }

    private func respond(_ response: Response) {
        exchange.noteAsked(by: self)
        exchange.respond(response)
    }

    private func askAnother(after failure: RedisFailure?) -> Bool {
        guard let reader, attempts.mayGoOn(after: reader.connection, failing: failure) else { return false }
        return ask()
    }
}
