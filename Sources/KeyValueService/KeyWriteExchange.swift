import HTTPWire
import NIOCore
import RedisClient
import Replication

/// A write of one key under `/v1/keys/`: its answer carries a replication token, and how many replicas acknowledged it where
/// that was asked for.
class KeyWriteExchange: WriteExchange {
    final let key: [UInt8]
    private let demand: AcknowledgementDemand?
    private var acknowledged: Int64?

    /// - Throws: what is wrong in the query.
    init(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, connection: HTTPConnection, key: [UInt8],
        service: KeyValueService
    ) throws(Problem) {
        self.key = key
        demand = try AcknowledgementDemand(target)
        super.init(request, connection: connection, service: service)
    }

    // MARK: What a kind of write says

    /// How many commands ``encodeWrite(into:)`` writes.
    class var writeCommands: Int { 1 }

    func encodeWrite(into buffer: inout ByteBuffer) {
        preconditionFailure("a write overrides encodeWrite(into:)")
    }

    /// Takes the reply to a command of ``encodeWrite(into:)``, if it is no error.
    ///
    /// - Returns: `false` where the command never gets such a reply.
    func acceptWrite(_ reply: RedisReply, at index: Int) -> Bool {
        preconditionFailure("a write overrides acceptWrite(_:at:)")
    }

    /// What the replies mean.
    var outcome: Result<ResponseStatus, Problem> {
        preconditionFailure("a write overrides outcome")
    }

    /// Adds to the head of the answer what this kind of write tells.
    func describe(_ head: inout ResponseHead) {}

    // MARK: What all have in common

    final override var commands: Int { Self.writeCommands + (demand == nil ? 0 : 1) }

    final override var acknowledgementWait: Duration? { demand.map { .milliseconds($0.withinMilliseconds) } }

    final override func encode(into buffer: inout ByteBuffer) {
        encodeWrite(into: &buffer)
        if let demand {
            buffer.writeWAIT(replicas: demand.replicas, milliseconds: demand.withinMilliseconds)
        }
    }

    final override func accept(_ reply: RedisReply, at index: Int) -> Bool {
        guard index == Self.writeCommands else { return acceptWrite(reply, at: index) }
        guard case .integer(let count) = reply else { return false }
        acknowledged = count
        return true
    }

    final override func answer(_ information: ReplicationInfo) {
        var response: Response
        switch outcome {
        case .success(let status):
            var head = head(status, .bytes)
            describe(&head)
            response = Response(head, body: ByteBuffer())
        case .failure(let problem):
            response = Response(problem.head(server: service.redis.master.servedFields), body: problem.body)
        }
        if let token = ReplicationToken(of: information) { response.head.add("Replication-Token", token.bytes) }
        if let acknowledged { response.head.add("Replicas-Acknowledged", "\(acknowledged)") }
        respond(response)
    }
}
