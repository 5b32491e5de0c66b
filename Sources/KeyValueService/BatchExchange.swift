import HTTPWire
import NIOCore
import RedisClient
import Replication

/// `POST /v1/batch`: many operations in one pipeline, each with a result of its own.
///
/// They are not a transaction: others' commands may come between them, and one that fails does not stop the others. If one
/// of them writes, all are sent to the master; else one reader is asked, as for a read.
final class BatchExchange: WriteExchange {
    private var operations: [BatchOperation] = []
    private var results = BatchResults()

    init(_ request: borrowing RequestView, connection: HTTPConnection, service: KeyValueService) {
        super.init(request, connection: connection, service: service, contentType: "application/json")
    }

    override func receive(_ body: ByteBuffer) throws(Problem) {
        let request = try BatchRequest(parsing: body.readableBytesUInt8Span)
        if request.hasWrites {
            operations = request.operations
            send()
        } else {
            BatchRead(request.operations, for: self, service: service).begin()
        }
    }

    override var commands: Int { operations.count }

    override func encode(into buffer: inout ByteBuffer) {
        results = BatchResults()
        for operation in operations { buffer.write(operation) }
    }

    override func accept(_ reply: RedisReply, at index: Int) -> Bool {
        guard results.take(reply, to: operations[index]) else { return false }
        if index == operations.count - 1 { problem = results.failureOfAll }
        return true
    }

    /// Errors are results, unless all there is are errors of one kind.
    override func problem(of error: Span<UInt8>, at index: Int) -> Problem? {
        _ = results.take(.error(error), to: operations[index])
        return index == operations.count - 1 ? results.failureOfAll : nil
    }

    override func answer(_ information: ReplicationInfo) {
        let results = results
        self.results = BatchResults()
        var head = head(.ok, .json)
        if let token = ReplicationToken(of: information) { head.add("Replication-Token", token.bytes) }
        respond(Response(head, body: results.finished()))
    }
}
