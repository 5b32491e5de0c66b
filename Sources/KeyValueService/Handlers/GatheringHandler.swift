import HTTPWire
import NIOCore

/// A request that concerns the whole process: every event loop is asked, then it is answered.
final class GatheringHandler<Value: Sendable>: RequestHandler {
    private let service: KeyValueService
    /// What it counts for among requests that cost much; `nil` for none of them.
    private let cost: Int?
    private let question: @Sendable (KeyValueService) -> Value
    private let answer: ([Value]) -> Response

    init(
        _ head: borrowing RequestHead, connection: HTTPConnection, service: KeyValueService, cost: Int? = nil,
        question: @escaping @Sendable (KeyValueService) -> Value, answer: @escaping ([Value]) -> Response
    ) {
        self.service = service
        self.cost = cost
        self.question = question
        self.answer = answer
        super.init(head, connection: connection)
    }

    override func begin() {
        connection?.exclusive = self
        if let cost { takeTurn(cost: cost) { self.gather() } } else { gather() }
    }

    private func gather() {
        // A later turn has released it.
        if !isAnswered { connection?.exclusive = self }
        service.loops.gather(on: service.eventLoop, question) { self.respond(self.answer($0)) }
    }
}
