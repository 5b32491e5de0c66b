import HTTPWire
import NIOCore
import RedisClient
import RedisCore

/// `POST /v1/batch`: many operations in one pipeline, each with its own result.
///
/// They are not a transaction: others' commands may come between them, and one that fails does not stop the others. If one
/// of them writes, all are sent to the master; else one reader is asked, as for a read.
final class BatchHandler: WriteHandler {
    private var operations: [BatchOperation] = []
    private var results = BatchResults()
    /// What is demanded of the reads of a batch that writes nothing.
    private let demand: ConsistencyDemand?
    /// Why a batch that writes is refused.
    private let writeRefusal: Problem?

    /// - Throws: what is wrong with what the request demands.
    init(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, connection: HTTPConnection,
        service: KeyValueService
    ) throws(Problem) {
        demand = try ConsistencyDemand(request, target)
        var refusal: Problem?
        do throws(Problem) {
            try ConsistencyDemand.refuse(in: request, target)
        } catch {
            refusal = error
        }
        writeRefusal = refusal
        super.init(request, connection: connection, service: service, contentType: "application/json")
    }

    override func receive(_ body: ByteBuffer) throws(Problem) {
        let request = try BatchRequest(parsing: body.readableBytesUInt8Span)
        guard request.hasWrites else {
            guard let demand else { return BatchRead(request.operations, for: self, service: service).begin() }
            return ConsistentRead(.batch(request.operations), demand, for: self, service: service).begin()
        }
        if let writeRefusal { throw writeRefusal }
        operations = request.operations
        let cost = BatchCost(operations).bytes(self)
        if let cost { takeTurn(cost: cost) { self.send() } } else { send() }
    }

    override var commands: Int { operations.count }

    override func command(at index: Int) -> RedisCommand {
        operations.indices.contains(index) ? operations[index].command : .get
    }

    override func encode(into buffer: inout ByteBuffer) {
        results = BatchResults()
        for operation in operations { buffer.write(operation) }
    }

    override func accept(_ reply: RedisReply, at index: Int) -> Bool {
        results.room = answerRoom
        guard results.take(reply, to: operations[index]) else { return false }
        if results.bytes >= MemoryBudget.smallBytes { hold(results.bytes) }
        if index == operations.count - 1 {
            // Errors are results, unless all there is are errors of one kind.
            record.replied(results.failureOfAll.map { .refused($0) } ?? .applied)
        }
        return true
    }

    override func conclude(_ text: Span<UInt8>) {
        switch record.outcome {
        case .notApplied(let problem): respond(problem.naming(mastersOf: service.redis))
        case .applied: respondResults()
        // No reply has come: one answer stands for all.
        case .unmet, .unknown:
            if results.count == 0 { return respond(.writeOutcomeUnknown) }
            results.lose(operations[results.count...])
            respondResults()
        }
    }

    private func respondResults() {
        let results = results
        self.results = BatchResults()
        var head = head(.ok, .json)
        if let token = information.flatMap(ReplicationToken.init(of:)) {
            head.add("Replication-Token", token.bytes)
        } else {
            head.addIncomplete([.token])
        }
        respond(Response(head, body: results.finished()))
    }
}
