import HTTPWire
import NIOCore

/// `GET /v1/keys/{key}` or `/get` with a ``ConsistencyDemand``, or with a precondition that plain reads do not look at.
final class ConsistentReadHandler: RequestHandler {
    private let question: ReadQuestion
    private let demand: ConsistencyDemand
    private let preconditions: ReadPreconditions
    private let app: [UInt8]
    private let service: KeyValueService
    var large: LargeAnswer?

    /// - Parameter app: how the answer names this app; empty where it does not.
    init(
        _ question: ReadQuestion, _ demand: ConsistencyDemand, _ preconditions: ReadPreconditions,
        _ head: borrowing RequestHead, app: [UInt8] = [], connection: HTTPConnection, service: KeyValueService
    ) {
        self.question = question
        self.demand = demand
        self.preconditions = preconditions
        self.app = app
        self.service = service
        super.init(head, connection: connection)
    }

    override func begin() {
        ConsistentRead(question, demand, preconditions: preconditions, for: self, app: app, service: service).begin()
    }

    override func abandoned() { large?.cancel() }
}
