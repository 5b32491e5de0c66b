import HTTPWire
import NIOCore
import RedisClient
import RedisCore

/// `PUT /v1/keys/{key}` with a long body of known length: its bytes go on to the master as they come, over a connection of
/// their own, and little of them is ever here. As ``KeyWrite`` otherwise.
///
/// A client that leaves before the last byte has changed nothing, for Redis never sees the whole command.
final class StreamedPutHandler: RequestHandler {
    /// Longer bodies are passed on as they come.
    static let smallestBytes = 1 << 20
    /// Whether a PUT is passed on as it comes. One that has to be compared with what is stored is collected.
    static func takes(_ request: borrowing RequestView, length: Int) -> Bool {
        guard length > smallestBytes, request.head.value(of: .ifMatch) == nil else { return false }
        guard let tags = request.value(of: .ifNoneMatch) else { return true }
        return !request.head.isRepeated(.ifNoneMatch) && EntityTagList(wellFormed: tags, .weak) == .any
    }

    /// How much of it is buffered: what arrived while Redis was not ready, and what waits for Redis' socket.
    private static let heldBytes = 512 << 10

    private let service: KeyValueService
    private let command: StreamedWrite.Command
    private let expectsContinue: Bool
    private var write: StreamedWrite?
    private var hasPlace = false
    /// What has come and could not be written yet.
    private var waiting = ByteBuffer()
    private var isWhole = false
    /// The master that the write was begun at: as header lines, and where it is.
    private var servedBy: [UInt8] = []
    private var endpoint: RedisEndpoint?
    private var hasBegun = false
    private var tag = KeyTag.Hasher()

    /// - Throws: what is wrong in the query or the fields.
    init(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, length: Int, connection: HTTPConnection,
        key: [UInt8], service: KeyValueService
    ) throws(Problem) {
        if request.head.isUnusual, let refusal = Problem(ofBodyOf: request) { throw refusal }
        try ConsistencyDemand.refuse(in: request, target)
        self.service = service
        expectsContinue = request.head.expectsContinue
        var timeToLive: Int64?
        if let text = try target.queryValue("ttl") {
            timeToLive = try DurationText.milliseconds(text.span, of: "ttl", in: .timeToLive)
        }
        let isCreation = request.value(of: .ifNoneMatch) != nil
        let acknowledgement = try AcknowledgementDemand(target)
        command = StreamedWrite.Command(
            key: key, length: length, timeToLive: timeToLive, ifAbsent: isCreation,
            acknowledgement: acknowledgement.map { ($0.replicas, $0.withinMilliseconds) })
        super.init(request.head, connection: connection)
    }

    override func begin() {
        let limit = service.http.limits.maximumBodyBytes
        guard command.length <= limit else { return respondAndClose(.bodyTooLarge(limitBytes: limit)) }
        guard service.http.budget.room >= Self.heldBytes, service.streamedWrites < RedisLoop.streamedWritesLimit else {
            service.http.budget.countRefusal()
            return respondAndClose(.overloaded)
        }
        servedBy = service.redis.master.servedFields
        endpoint = service.redis.master.endpoint
        do throws(RedisFailure) {
            write = try service.redis.streamWrite(command) {
                self.goOn()
            } completion: {
                self.take($0)
            }
        } catch {
            return respondAndClose(Problem(error, role: "Redis master"))
        }
        hasPlace = true
        service.streamedWrites += 1
        hold(Self.heldBytes)
        connection?.holdBackBody(true)
    }

    override func receiveBody(_ piece: ByteBuffer) {
        guard !isAnswered, let write else { return }
        tag.take(piece.readableBytesUInt8Span)
        if waiting.readableBytes == 0, write.isReady {
            write.write(piece)
        } else {
            waiting.writeImmutableBuffer(piece)
        }
        if !write.isReady { connection?.holdBackBody(true) }
    }

    override func end() {
        isWhole = true
        connection?.holdBackBody(false)
        goOn()
    }

    override func bodyTimedOut() {
        giveUp()
        super.bodyTimedOut()
    }

    /// Redis takes bytes.
    private func goOn() {
        guard let write, write.isReady else { return }
        if !hasBegun {
            hasBegun = true
            if expectsContinue { connection?.sendContinue(for: self) }
        }
        if waiting.readableBytes > 0 {
            let bytes = waiting
            waiting = ByteBuffer()
            write.write(bytes)
        }
        if isWhole {
            // Another server has become the master, or says that it is: this one does not get the end, so that it stores nothing.
            guard endpoint == service.redis.master.endpoint, service.redis.mayFinish(write) else {
                giveUp()
                let hasRival = service.redis.masterDoubt != nil
                return reject(hasRival ? .noSingleMaster(places: nil) : .redisUnavailable(role: "Redis master"))
            }
            return write.finish()
        }
        if write.isReady { connection?.holdBackBody(false) }
    }

    private func take(_ outcome: StreamedWrite.Outcome) {
        write = nil
        leavePlace()
        switch outcome {
        case .written(let existed, let acknowledged, let information):
            let write = AppliedWrite(
                existed: existed, tag: tag.finished(), isDemanding: command.acknowledgement != nil,
                acknowledged: acknowledged)
            let token = information.flatMap(ReplicationToken.init(of:))
            respond(write.response(WriteReport(servedBy: servedBy, token: token, hasText: false)))
        case .exists: reject(.preconditionFailed)
        case .refused(let text):
            service.redis.master.observe(error: text.span)
            if case .refused(let problem) = WriteRecord.Reply(error: text.span) {
                reject(problem)
            } else {
                reject(.writeOutcomeUnknown)
            }
        case .notApplied(let failure):
            // Surely: that it took too long is said as that it could not be reached.
            reject(
                failure == .timedOut ? .redisUnavailable(role: "Redis master") : Problem(failure, role: "Redis master"))
        case .notKnown: reject(.writeOutcomeUnknown)
        }
    }

    /// Where the body is not whole, the rest of it is not wanted.
    private func reject(_ problem: Problem) {
        let connection = connection
        let problem = problem.naming(mastersOf: service.redis)
        if isWhole { respond(problem) } else { respondAndClose(problem) }
        connection?.holdBackBody(false)
    }

    override func abandoned() { giveUp() }

    private func giveUp() {
        write?.abandon()
        write = nil
        leavePlace()
    }

    private func leavePlace() {
        guard hasPlace else { return }
        hasPlace = false
        service.streamedWrites -= 1
    }
}
