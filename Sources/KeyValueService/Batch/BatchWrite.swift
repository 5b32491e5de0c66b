import HTTPWire
import NIOCore
import RedisClient
import RedisCore

/// `POST /v1/batch`: many operations in one pipeline, each with its own result.
///
/// They are not a transaction: others' commands may come between them, and one that fails does not stop the others. If one
/// of them writes, all are sent to the master; else one reader is asked, as for a read.
struct BatchWrite {
    private(set) var operations: [BatchOperation] = []
    private var results = BatchResults()
    /// What is demanded of the reads of a batch that writes nothing.
    private let demand: ConsistencyDemand?
    /// Why a batch that writes is refused.
    private let writeRefusal: Problem?

    /// - Throws: what is wrong with what the request demands.
    init(_ request: borrowing RequestView, _ target: borrowing RequestTarget) throws(Problem) {
        demand = try ConsistencyDemand(request, target)
        var refusal: Problem?
        do throws(Problem) {
            try ConsistencyDemand.refuse(in: request, target)
        } catch {
            refusal = error
        }
        writeRefusal = refusal
    }

    mutating func take(_ body: ByteBuffer) throws(Problem) -> WriteOperation.Start {
        let request = try BatchRequest(parsing: body.readableBytesUInt8Span)
        guard request.hasWrites else { return .read(request.operations, demand) }
        if let writeRefusal { throw writeRefusal }
        operations = request.operations
        return .send
    }

    mutating func begin() { results = BatchResults() }

    func encode(into buffer: inout ByteBuffer) {
        for operation in operations { buffer.write(operation) }
    }

    mutating func accept(
        _ reply: RedisReply, at index: Int, _ record: inout WriteRecord, room: Int
    ) -> Bool {
        results.room = room
        guard results.take(reply, to: operations[index]) else { return false }
        if index == operations.count - 1 {
            // Errors are results, unless all there is are errors of one kind.
            record.replied(results.failureOfAll.map { .refused($0) } ?? .applied)
        }
        return true
    }

    /// How much is buffered for the answer.
    var resultBytes: Int { results.bytes }

    /// Consumes the results.
    mutating func response(_ outcome: WriteRecord.Outcome, _ report: WriteReport) -> Response {
        switch outcome {
        case .notApplied(let problem): return problem.response
        case .applied: break
        // No reply has come: one answer stands for all.
        case .unmet, .unknown:
            if results.count == 0 { return Problem.writeOutcomeUnknown.response }
            results.lose(operations[results.count...])
        }
        let results = results
        self.results = BatchResults()
        var head = report.head(.ok, .json)
        if let token = report.token {
            head.add("Replication-Token", token.bytes)
        } else {
            head.addIncomplete([.token])
        }
        return Response(head, body: results.finished())
    }
}
