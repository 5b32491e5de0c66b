import NIOCore
import RedisClient
import RedisCore
import Telemetry

/// One server asked for one ``ConsistentReadHandler``: for its position, or for the value between two of its positions.
///
/// A separate object, so that a read can turn to another server without taking late replies for its own.
final class ReadAttempt: ReplyReceiver {
    enum Kind {
        /// Where the server is, alone: what is repeated must not move the value each time.
        case look
        /// INFO before the value, for a verdict on it; and INFO behind it where a token of it is wanted.
        case value
    }

    /// What is stored, as far as the client's form of it wants to know.
    enum Stored {
        case bytes(ByteBuffer)
        /// To be released by its receiver.
        case large(LargeValue)
        case document(KeyDocument, timeToLive: Int64)
        /// Escaped for JSON, all of it.
        case original(key: [UInt8], value: [UInt8], replication: ByteBuffer)
        case results(BatchResults)
        case position
        case problem(Problem)

        /// Whether a key was not there.
        var lacksKeys: Bool {
            switch self {
            case .problem(let problem): problem == .keyNotFound
            case .results(let results): results.lacksKeys
            case .bytes, .large, .document, .original, .position: false
            }
        }

        /// How many bytes of values it holds, or about so many.
        var bytes: Int {
            switch self {
            case .bytes(let bytes): bytes.readableBytes
            case .large(let value): value.length
            case .document(let document, _): document.bytes
            case .original(_, let value, _): value.count
            case .results(let results): results.bytes
            case .position, .problem: 0
            }
        }
    }

    enum Outcome {
        case saw(ReplicationInfo)
        case read(Stored, before: ReplicationInfo, after: ReplicationInfo?)
        /// The server said why it does not serve.
        case refused(Problem)
        case failed(RedisFailure)
    }

    private enum Command {
        case ping, information, value, timeToLive
        case operation(BatchOperation)
    }

    let reader: RedisLoop.Reader
    let kind: Kind
    private let question: ReadQuestion
    private let commands: [Command]
    private let wantsTokenBeside: Bool
    private let isLarge: Bool
    private let service: KeyValueService
    /// The value has turned out to be large on a connection that others share.
    private(set) var hasMetLarge = false
    private var completion: ((ReadAttempt, Outcome) -> Void)?

    private var before: ReplicationInfo?
    private var after: ReplicationInfo?
    private var stored: Stored?
    private var document: KeyDocument?
    private var results = BatchResults()
    private var problem: Problem?

    /// - Parameters:
    ///   - isLarge: whether the value is asked for over its own connection.
    ///   - completion: called once, unless the attempt is abandoned; never within ``submit()``.
    init(
        _ kind: Kind, _ question: ReadQuestion, at reader: RedisLoop.Reader, wantsToken: Bool,
        isLarge: Bool, service: KeyValueService, completion: @escaping (ReadAttempt, Outcome) -> Void
    ) {
        self.kind = kind
        self.question = question
        self.reader = reader
        self.completion = completion
        self.isLarge = isLarge && kind == .value
        self.service = service
        // The token of a large value is asked for beside it, since what is asked behind it comes too late.
        wantsTokenBeside = wantsToken && self.isLarge && question.isOfBytes
        switch kind {
        // PING is what the shared INFO comes behind.
        case .look: commands = [.ping]
        case .value:
            commands =
                [.information] + Self.commands(of: question)
                + (wantsToken && !wantsTokenBeside ? [.information] : [])
        }
    }

    private static func commands(of question: ReadQuestion) -> [Command] {
        switch question {
        case .key(_, .bytes): [.value]
        case .key(_, .document): [.value, .timeToLive]
        case .key(_, .original): [.value, .information]
        case .batch(let operations): operations.map(Command.operation)
        case .position: []
        }
    }

    private var key: [UInt8] {
        switch question {
        case .key(let key, _): key
        case .batch, .position: []
        }
    }

    /// - Throws: where nothing was sent; the completion is not called then.
    func submit() throws(RedisFailure) {
        if isLarge {
            return try service.redis.submit(
                self, at: reader, as: question.isOfBytes ? .streamed : .gathered, replies: commands.count,
                isWanted: { self.completion != nil }, encode: { self.encode(into: &$0) })
        }
        try reader.connection.submit(self, replies: commands.count, information: kind == .look ? .parsed : nil) {
            encode(into: &$0)
        }
    }

    /// What comes now is not looked at any more.
    func abandon() {
        completion = nil
        if case .large(let value) = stored { value.release() }
    }

    private func encode(into buffer: inout ByteBuffer) {
        let key = key
        for command in commands {
            switch command {
            case .ping: buffer.writePING()
            case .information: buffer.writeINFOReplication()
            case .value: buffer.writeGET(key: key.span)
            case .timeToLive: buffer.writePTTL(key: key.span)
            case .operation(let operation): buffer.write(operation)
            }
        }
    }

    private func end(_ outcome: Outcome) {
        let completion = completion
        self.completion = nil
        completion?(self, outcome)
    }

    // MARK: Replies

    override func command(at index: Int) -> RedisCommand {
        guard commands.indices.contains(index) else { return .info }
        return switch commands[index] {
        case .ping: .ping
        case .information: .info
        case .value: .get
        case .timeToLive: .pttl
        case .operation(let operation): operation.command
        }
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        // An error in place of the shared INFO.
        guard index < commands.count else { return endLook(reply) }
        switch commands[index] {
        case .ping: return
        case .information: receiveInformation(reply)
        case .value: receiveValue(reply)
        case .timeToLive: receiveTimeToLive(reply)
        case .operation(let operation): receiveResult(reply, of: operation)
        }
        if index == commands.count - 1 { endValue() }
    }

    override func receive(_ information: ReplicationInfo?) {
        end(information.map(Outcome.saw) ?? .refused(.unreadableInformation))
    }

    override func fail(_ failure: RedisFailure) { end(.failed(failure)) }

    override var mayBeAskedAgain: Bool { true }

    override func noteLargeReply() { hasMetLarge = kind == .value }

    override func take(_ value: LargeValue, at index: Int) -> Bool {
        guard completion != nil else {
            value.release()
            return true
        }
        guard problem == nil, question.isOfBytes, let before else { return false }
        stored = .large(value)
        guard wantsTokenBeside else {
            end(.read(.large(value), before: before, after: nil))
            return true
        }
        let question = InformationQuestion { information in
            guard self.completion != nil else { return }
            if let information {
                self.end(.read(.large(value), before: before, after: information))
            } else {
                value.release()
                self.end(.failed(.notConnected))
            }
        }
        // What the server says now is of a time after the value was read, if it is the same process that says it.
        if value.runID == nil || reader.connection.runID != value.runID || !question.submit(to: reader.connection) {
            value.release()
            end(.failed(.notConnected))
        }
        return true
    }

    private func endLook(_ reply: RedisReply) {
        guard case .error(let text) = reply else { return reader.connection.distrust() }
        reader.connection.observe(error: text)
        end(.refused(Problem(redisError: text)))
    }

    private func endValue() {
        if let problem { return end(.refused(problem)) }
        if hasMetLarge { return end(.failed(.displaced)) }
        switch question {
        case .key: break
        case .batch:
            if let failure = results.failureOfAll { return end(.refused(failure)) }
            stored = .results(results)
        case .position: stored = .position
        }
        guard let stored, let before else { return end(.refused(.unreadableInformation)) }
        // It is not large any more: its token is asked for as that of any value.
        if wantsTokenBeside { return end(.failed(.displaced)) }
        end(.read(stored, before: before, after: after))
    }

    private func receiveInformation(_ reply: RedisReply) {
        switch reply {
        case .bulk(let text):
            let information = ReplicationInfo(parsing: text)
            if information == nil { problem = problem ?? .unreadableInformation }
            guard before != nil else {
                before = information
                return
            }
            after = information
            addReplication(text)
        case .error(let text): refuse(text)
        case .simple, .integer, .null, .array: reader.connection.distrust()
        }
    }

    private func receiveValue(_ reply: RedisReply) {
        switch reply {
        case .bulk(let value):
            store(value)
        case .null: stored = .problem(.keyNotFound)
        case .error(let text): refuse(text)
        case .simple, .integer, .array: reader.connection.distrust()
        }
    }

    private func store(_ value: Span<UInt8>) {
        let key = key
        switch question {
        case .key(_, .document): document = KeyDocument(key: key.span, value: value)
        case .key(_, .original):
            guard value.isUTF8 else {
                stored = .problem(.valueNotText)
                return
            }
            stored = .original(
                key: [UInt8](jsonEscaping: key.span), value: [UInt8](jsonEscaping: value), replication: ByteBuffer())
        case .key(_, .bytes), .batch, .position:
            var bytes = ByteBuffer()
            bytes.writeBytes(value)
            stored = .bytes(bytes)
        }
    }

    /// Shows the server as it was right behind the value.
    private func addReplication(_ text: Span<UInt8>) {
        guard case .original(let key, let value, var replication) = stored, replication.readableBytes == 0 else {
            return
        }
        replication.writeJSONEscaped(information: text)
        stored = .original(key: key, value: value, replication: replication)
    }

    private func receiveResult(_ reply: RedisReply, of operation: BatchOperation) {
        if case .error(let text) = reply { reader.connection.observe(error: text) }
        if !results.take(reply, to: operation) { reader.connection.distrust() }
    }

    private func receiveTimeToLive(_ reply: RedisReply) {
        switch reply {
        case .integer(let milliseconds):
            if let document { stored = .document(document, timeToLive: milliseconds) }
        case .error(let text): refuse(text)
        case .bulk, .simple, .null, .array: reader.connection.distrust()
        }
    }

    /// An error that speaks of the key is what is stored there; any other is the server's.
    private func refuse(_ error: Span<UInt8>) {
        reader.connection.observe(error: error)
        let said = Problem(redisError: error)
        switch said {
        case .wrongType: stored = .problem(said)
        // The value was met behind what could not give way to it, or is too large for this form of it.
        case .answerTooLarge where question.isOfBytes && !isLarge: hasMetLarge = true
        case .answerTooLarge: stored = .problem(said)
        default: problem = problem ?? said
        }
    }
}

/// Asks a server where it is.
private final class InformationQuestion: ReplyReceiver {
    private let completion: (ReplicationInfo?) -> Void

    /// - Parameter completion: called once, unless ``submit(to:)`` fails.
    init(completion: @escaping (ReplicationInfo?) -> Void) { self.completion = completion }

    /// - Returns: whether it is asked.
    func submit(to connection: RedisConnection) -> Bool {
        do {
            // PING is what the shared INFO comes behind.
            try connection.submit(self, replies: 1, information: .parsed) { $0.writePING() }
            return true
        } catch {
            return false
        }
    }

    override var mayBeAskedAgain: Bool { true }
    override func command(at index: Int) -> RedisCommand { .ping }
    override func receive(_ reply: RedisReply, at index: Int) { if index > 0 { completion(nil) } }
    override func receive(_ information: ReplicationInfo?) { completion(information) }
    override func fail(_ failure: RedisFailure) { completion(nil) }
}

extension Problem {
    static var unreadableInformation: Problem { .redisError(code: "unreadable answer to INFO") }
}
