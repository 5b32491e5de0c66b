import HTTPWire
import NIOCore

/// A request that concerns the whole process: every event loop is asked, then it is answered.
final class GatheringExchange<Value: Sendable>: Exchange {
    private let service: KeyValueService
    private let question: @Sendable (KeyValueService) -> Value
    private let answer: ([Value]) -> Response

    init(
        _ head: borrowing RequestHead, connection: HTTPConnection, service: KeyValueService,
        question: @escaping @Sendable (KeyValueService) -> Value, answer: @escaping ([Value]) -> Response
    ) {
        self.service = service
        self.question = question
        self.answer = answer
        super.init(head, connection: connection)
    }

    override func begin() {
        service.loops.gather(on: service.eventLoop, question) { self.respond(self.answer($0)) }
    }
}
