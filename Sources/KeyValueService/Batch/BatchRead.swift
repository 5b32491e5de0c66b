import NIOCore
import RedisClient

/// A batch that writes nothing, asked of the server that is fittest; of another, where that one cannot answer. All of it is
/// asked of one server, a part at a time, so that many large values hold up nothing else.
final class BatchRead: ReplyReceiver {
    private let operations: [BatchOperation]
    private let handler: RequestHandler
    private let service: KeyValueService
    private var read = RetriedRead()
    private var isLarge = false
    private var results = BatchResults()
    private var parts: BatchParts
    /// How many operations have been sent in the part that is under way, and what their values came to.
    private var part = (first: 0, count: 0, bytes: 0, largest: 0)

    init(_ operations: [BatchOperation], for handler: RequestHandler, service: KeyValueService) {
        self.operations = operations
        self.handler = handler
        self.service = service
        parts = BatchParts(expectsSmall: handler.connection?.window.expectsSmall ?? false)
    }

    func begin() {
        if !ask() { handler.respond(Problem(noReaderOf: service.redis)) }
    }

    /// Asks from the beginning.
    ///
    /// - Returns: whether there is a server to ask.
    private func ask() -> Bool {
        guard let reader = read.next(of: service.redis) else { return false }
        results = BatchResults()
        askOn(reader)
        return true
    }

    /// Asks for the next part, in its turn where it may cost much.
    private func askOn(_ reader: RedisLoop.Reader) {
        handler.turn = nil
        let first = results.count
        guard first < operations.count else { return answer(from: reader) }
        let (count, cost) = parts.next(of: operations.count - first) {
            handler.expectedCost(of: operations[first + $0].key) ?? 0
        }
        part = (first, count, 0, 0)
        guard cost >= ReadCosts.bulkyBytes else { return submit(to: reader) }
        handler.takeTurn(cost: cost) { self.submit(to: reader) }
    }

    private func submit(to reader: RedisLoop.Reader) {
        let operations = operations[part.first..<part.first + part.count]
        let encode: (inout ByteBuffer) -> Void = { buffer in
            for operation in operations { buffer.write(operation) }
        }
        do throws(RedisFailure) {
            if isLarge {
                try service.redis.submit(
                    self, at: reader, as: .gathered, replies: operations.count,
                    isWanted: { self.handler.connection != nil }, encode: encode)
            } else {
                try reader.connection.submit(self, replies: operations.count, encode)
            }
        } catch {
            fail(error)
        }
    }

    /// All operations are reads.
    override func command(at index: Int) -> RedisCommand { .get }

    override func receive(_ reply: RedisReply, at index: Int) {
        guard let reader = read.reader else { return }
        if case .error(let text) = reply { reader.connection.observe(error: text) }
        let operation = operations[part.first + index]
        note(reply, to: operation)
        results.room = handler.answerRoom
        guard results.take(reply, to: operation) else { return reader.connection.distrust() }
        if results.bytes >= MemoryBudget.smallBytes { handler.hold(results.bytes) }
        guard index == part.count - 1 else { return }
        handler.learn(nil, bytes: part.largest)
        parts.answered(count: part.count, bytes: part.bytes)
        if handler.connection == nil { return }
        askOn(reader)
    }

    private func note(_ reply: RedisReply, to operation: BatchOperation) {
        guard case .bulk(let value) = reply else { return }
        part.bytes += value.count
        part.largest = max(part.largest, value.count)
        if value.count >= ReadCosts.bulkyBytes { service.http.costs.note(operation.key, bytes: value.count) }
    }

    private func answer(from reader: RedisLoop.Reader) {
        if let problem = results.failureOfAll {
            if read.mayGoOn(after: problem), ask() { return }
            let head = problem.head(server: reader.connection.servedFields)
            return respond(Response(head, body: problem.body))
        }
        guard reader.isStale, results.lacksKeys else { return finish(from: reader) }
        reader.confirmData { data in
            guard let mayGoOn = self.read.mayGoOn(after: data) else { return self.finish(from: reader) }
            if !(mayGoOn && self.ask()) { self.respond(Problem(.notConnected, role: "Redis server").response) }
        }
    }

    private func finish(from reader: RedisLoop.Reader) {
        let results = results
        self.results = BatchResults()
        respond(Response(ResponseHead(.json, from: reader), body: results.finished()))
    }

    override var mayBeAskedAgain: Bool { true }

    override func noteLargeReply() { isLarge = true }

    override func fail(_ failure: RedisFailure) {
        if failure == .displaced {
            if !read.mayGoOnAfterDisplacement() { isLarge = true }
            if ask() { return }
        }
        if read.mayGoOn(after: failure), ask() { return }
        respond(Problem(failure, role: "Redis server").response)
    }

    private func respond(_ response: Response) {
        handler.noteAsked(by: self)
        handler.respond(response)
    }
}
