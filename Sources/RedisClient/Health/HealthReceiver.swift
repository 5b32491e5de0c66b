import NIOCore
import RedisCore

/// Sends the commands of a handshake or a health check, and makes a ``ServerHealth`` of their replies.
final class HealthReceiver: ReplyReceiver {
    enum Command: Equatable {
        case authenticate(RedisCredentials)
        case select(database: Int)
        case replication
        case persistence
        /// Which process of a server it is; asked once a connection.
        case server
    }

    /// In the order in which they are sent.
    let commands: [Command]
    private let completion: (_ health: ServerHealth, _ runID: [UInt8]?) -> Void
    private var refusal: ServerHealth?
    private var info: ReplicationInfo?
    private var isLoading = false
    private var runID: [UInt8]?
    private var mode: ServerMode?

    /// - Parameter completion: called once with what the replies say; not at all when the connection fails, which
    ///   tells by other means.
    init(_ commands: [Command], completion: @escaping (_ health: ServerHealth, _ runID: [UInt8]?) -> Void) {
        self.commands = commands
        self.completion = completion
    }

    override func command(at index: Int) -> RedisCommand {
        switch commands[index] {
        case .authenticate: .auth
        case .select: .select
        case .replication, .persistence, .server: .info
        }
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        let command = commands[index]
        switch reply {
        // Who cannot say which process it is may serve all the same.
        case .error where command == .server: break
        case .error(let text): refusal = refusal ?? Self.explain(text, to: command)
        case .bulk(let text):
            switch command {
            case .authenticate, .select: break
            case .replication: info = ReplicationInfo(parsing: text)
            case .persistence: isLoading = text.contains("\nloading:1")
            case .server:
                runID = Self.runID(in: text)
                mode = ServerMode(in: text)
            }
        case .simple, .integer, .null, .array:
            switch command {
            case .authenticate, .select, .server: break
            case .replication, .persistence:
                refusal = refusal ?? .refused(ForeignBanner.noInformation)
            }
        }
        if index == commands.count - 1 { completion(health, runID) }
    }

    override func fail(_ failure: RedisFailure) {
        // A server may say why it closes the connection, and not answer the rest.
        if let refusal { completion(refusal, nil) }
    }

    override var mayBeAskedAgain: Bool { true }

    /// The value of the line `run_id`: 40 hexadecimal digits, different at each start (redis/redis `src/server.c`,
    /// `initServerConfig`).
    private static func runID(in text: Span<UInt8>) -> [UInt8]? {
        guard let start = text.end(of: "\nrun_id:") else { return nil }
        let line = text.extracting(start..<text.count).prefix(upTo: UInt8(ascii: "\r"))
        return line.utf8.count == 40 && line.utf8.allSatisfy(\.isHexadecimalDigit) ? Array(line.utf8) : nil
    }

    private var health: ServerHealth {
        if let refusal { return refusal }
        if isLoading { return .loading }
        if let words = mode?.words(tellsRole: info != nil) { return .refused(words) }
        guard let info else {
            return .refused("gave an answer to INFO that cannot be read: is it a redis-server, with nothing between?")
        }
        return .serving(info)
    }

    /// Redis's error codes in an operator's words. The server's own text may quote what it was sent, so it is not shown.
    static func explain(_ text: Span<UInt8>, to command: Command) -> ServerHealth {
        if text.contains("max number of clients") {
            return .refused(ForeignBanner.maximumClients)
        }
        let known = RedisErrorCode(of: text)
        return switch (known, command) {
        case (.needsPassword, _): .denied("asks for a password: set REDIS_PASSWORD or REDIS_PASSWORD_FILE")
        case (.wrongPassword, _):
            .denied("refuses the user name or the password: check REDIS_USER and REDIS_PASSWORD")
        case (.needsPermission, .select):
            .denied("does not let this user run SELECT: grant +select (ACL SETUSER … +select)")
        case (.needsPermission, _): .denied("does not let this user run INFO: grant +info (ACL SETUSER … +info)")
        case (.generic, .authenticate):
            .denied("does not take a password, or a user name: check REDIS_USER and REDIS_PASSWORD")
        case (.protected, _), (.busy, _): .refused(known?.words ?? "")
        case (.generic, .select(let database)):
            .refused(
                "has no database \(database): check REDIS_DATABASE, and databases in the server's configuration")
        default: .refused("answers the handshake with -\(Self.shown(text.prefix(upTo: UInt8(ascii: " "))))")
        }
    }

    /// An error's code as it may be logged: upper-case letters alone, and few of them.
    private static func shown(_ code: String) -> String {
        let isCode =
            !code.isEmpty && code.utf8.count <= 24
            && code.utf8.allSatisfy { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }
        return isCode ? code : "ERR"
    }
}

extension ByteBuffer {
    mutating func write(_ command: HealthReceiver.Command) {
        switch command {
        case .authenticate(let credentials): writeAUTH(credentials)
        case .select(let database): writeSELECT(database: database)
        case .replication: writeINFOReplication()
        case .persistence: writeINFOPersistence()
        case .server: writeINFOServer()
        }
    }
}

/// Asks a master how many replicas it needs for a write.
final class MinimumReplicasReceiver: ReplyReceiver {
    private let completion: (_ minimum: Int64) -> Void

    /// - Parameter completion: called once; not at all when the connection fails.
    init(completion: @escaping (_ minimum: Int64) -> Void) { self.completion = completion }

    override func command(at index: Int) -> RedisCommand { .other("CONFIG GET", elements: 16, bytes: 64 << 10) }

    override func receive(_ reply: RedisReply, at index: Int) {
        // Who may not ask finds out by the first write.
        guard case .array(let pair) = reply, pair.count == 2, case .bulk(let text) = pair[1] else {
            return completion(0)
        }
        completion(Int64(String(decoding: text, as: UTF8.self)) ?? 0)
    }

    override func fail(_ failure: RedisFailure) {}

    override var mayBeAskedAgain: Bool { true }
}

/// Asks a replica that may have lost its data whether it holds any key.
final class KeyspaceReceiver: ReplyReceiver {
    private let completion: (_ holdsKeys: Bool) -> Void

    /// - Parameter completion: called once; not at all when the connection fails.
    init(completion: @escaping (_ holdsKeys: Bool) -> Void) { self.completion = completion }

    override func command(at index: Int) -> RedisCommand { .info }

    override func receive(_ reply: RedisReply, at index: Int) {
        // Without the right to ask, the server counts as having keys.
        if case .bulk(let text) = reply { completion(text.contains("keys=")) } else { completion(true) }
    }

    override func fail(_ failure: RedisFailure) {}
}

/// Asks a replica that found nothing whether it still has its data. The answer is of a moment after what it found.
final class DataReceiver: ReplyReceiver {
    private var completion: ((RedisLoop.ReaderData) -> Void)?
    private var isLinkUp = false
    private var isCopyIncomplete = false

    /// - Parameter completion: called once.
    init(completion: @escaping (RedisLoop.ReaderData) -> Void) { self.completion = completion }

    override func command(at index: Int) -> RedisCommand { .info }

    override func receive(_ reply: RedisReply, at index: Int) {
        guard case .bulk(let text) = reply else { return end(.kept) }
        guard index == 0 else { return end(isCopyIncomplete && !text.contains("keys=") ? .lost : .kept) }
        guard let info = ReplicationInfo(parsing: text) else { return end(.kept) }
        isCopyIncomplete = info.isCopyIncomplete
        // What it found may be from before the new copy of its data.
        if info.masterLink?.isUp != false { end(.replaced) }
    }

    override func fail(_ failure: RedisFailure) { end(.unknown) }

    override var mayBeAskedAgain: Bool { true }

    private func end(_ data: RedisLoop.ReaderData) {
        completion?(data)
        completion = nil
    }
}
