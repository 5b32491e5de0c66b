import NIOCore
import RedisClient
import Replication

/// One server asked for one ``ConsistentReadExchange``: either where it is, or for the value between two looks at that.
///
/// An object of its own, so that a read can turn to another server without taking late replies for its own.
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
        case document(KeyDocument, timeToLive: Int64)
        case problem(Problem)
    }

    enum Outcome {
        case saw(ReplicationInfo)
        case read(Stored, before: ReplicationInfo, after: ReplicationInfo?)
        /// The server told why it does not serve.
        case refused(Problem)
        case failed(RedisFailure)
    }

    private enum Command {
        case ping, information, value, timeToLive
    }

    let reader: RedisLoop.Reader
    let kind: Kind
    private let key: [UInt8]
    private let commands: [Command]
    private let form: KeyForm
    private var completion: ((ReadAttempt, Outcome) -> Void)?

    private var before: ReplicationInfo?
    private var after: ReplicationInfo?
    private var stored: Stored?
    private var document: KeyDocument?
    private var problem: Problem?

    /// - Parameter completion: called once, unless the attempt is abandoned; never within ``submit()``.
    init(
        _ kind: Kind, of key: [UInt8], at reader: RedisLoop.Reader, form: KeyForm, wantsToken: Bool,
        completion: @escaping (ReadAttempt, Outcome) -> Void
    ) {
        self.kind = kind
        self.key = key
        self.reader = reader
        self.form = form
        self.completion = completion
        switch kind {
        // PING is what the shared INFO comes behind.
        case .look: commands = [.ping]
        case .value:
            commands =
                [.information, .value] + (form == .document ? [.timeToLive] : [])
                + (wantsToken ? [.information] : [])
        }
    }

    /// - Throws: where nothing was sent; the completion is not called then.
    func submit() throws(RedisFailure) {
        try reader.connection.submit(self, replies: commands.count, information: kind == .look ? .parsed : nil) {
            encode(into: &$0)
        }
    }

    /// What comes now is not looked at any more.
    func abandon() { completion = nil }

    private func encode(into buffer: inout ByteBuffer) {
        let key = key
        for command in commands {
            switch command {
            case .ping: buffer.writePING()
            case .information: buffer.writeINFOReplication()
            case .value: buffer.writeGET(key: key.span)
            case .timeToLive: buffer.writePTTL(key: key.span)
            }
        }
    }

    private func end(_ outcome: Outcome) {
        let completion = completion
        self.completion = nil
        completion?(self, outcome)
    }

    // MARK: Replies

    override func receive(_ reply: RedisReply, at index: Int) {
        // An error in place of the shared INFO.
        guard index < commands.count else { return endLook(reply) }
        switch commands[index] {
        case .ping: return
        case .information: receiveInformation(reply)
        case .value: receiveValue(reply)
        case .timeToLive: receiveTimeToLive(reply)
        }
        if index == commands.count - 1 { endValue() }
    }

    override func receive(_ information: ReplicationInfo?) {
        end(information.map(Outcome.saw) ?? .refused(.unreadableInformation))
    }

    override func fail(_ failure: RedisFailure) { end(.failed(failure)) }

    private func endLook(_ reply: RedisReply) {
        guard case .error(let text) = reply else { return reader.connection.distrust() }
        reader.connection.observe(error: text)
        end(.refused(Problem(redisError: text)))
    }

    private func endValue() {
        if let problem { return end(.refused(problem)) }
        guard let stored, let before else { return end(.refused(.unreadableInformation)) }
        end(.read(stored, before: before, after: after))
    }

    private func receiveInformation(_ reply: RedisReply) {
        switch reply {
        case .bulk(let text):
            let information = ReplicationInfo(parsing: text)
            if information == nil { problem = problem ?? .unreadableInformation }
            if stored == nil { before = information } else { after = information }
        case .error(let text): refuse(text)
        case .simple, .integer, .null, .array: reader.connection.distrust()
        }
    }

    private func receiveValue(_ reply: RedisReply) {
        switch reply {
        case .bulk(let value):
            switch form {
            case .bytes:
                var bytes = ByteBuffer()
                bytes.writeBytes(value)
                stored = .bytes(bytes)
            case .document:
                let key = key
                document = KeyDocument(key: key.span, value: value)
            }
        case .null: stored = .problem(.keyNotFound)
        case .error(let text): refuse(text)
        case .simple, .integer, .array: reader.connection.distrust()
        }
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
        if said == .wrongType { stored = .problem(said) } else { problem = problem ?? said }
    }
}

extension Problem {
    static var unreadableInformation: Problem { .redisError(code: "unreadable answer to INFO") }
}
