import HTTPWire
import NIOCore

/// `GET /v1/keys/{key}` or `/get` with a ``ConsistencyDemand``, or with a precondition that plain reads do not look at.
final class ConsistentReadHandler: ReadHandler {
    private let question: ReadQuestion
    private let demand: ConsistencyDemand
    private let preconditions: ReadPreconditions
    var large: LargeAnswer?

    init(
        _ question: ReadQuestion, _ demand: ConsistencyDemand, _ preconditions: ReadPreconditions,
        _ head: borrowing RequestHead, connection: HTTPConnection, service: KeyValueService
    ) {
        self.question = question
        self.demand = demand
        self.preconditions = preconditions
        super.init(head, connection: connection, key: [], service: service)
    }

    override func begin() {
        ConsistentRead(question, demand, preconditions: preconditions, for: self, service: service).begin()
    }

    override func abandoned() { large?.cancel() }
}
