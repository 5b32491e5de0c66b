import RedisClient

/// The servers that one read is asked of, one after the other, as a value: a read does no harm twice.
///
/// ```
/// ask ─▶ answered
///  ▲  ├─failed, or the server does not serve now─▶ mayGoOn ─▶ another server
///  └──┴─a large value took the connection────────▶ mayGoOnAfterDisplacement ─▶ any server
/// ```
struct RetriedRead {
    /// The server that was asked last.
    private(set) var reader: RedisLoop.Reader?
    private var attempts = ReadAttempts()

    /// The server to ask now: the fittest of those that have not failed the read.
    ///
    /// - Returns: `nil` where there is none; the server that was asked last stays the same then.
    mutating func next(of redis: RedisLoop) -> RedisLoop.Reader? {
        guard let reader = redis.reader(excluding: attempts) else { return nil }
        self.reader = reader
        return reader
    }

    /// The server is one that was found by other means.
    mutating func ask(_ reader: RedisLoop.Reader) { self.reader = reader }

    /// Whether another server may be asked, after the last one failed.
    ///
    /// - Parameter failure: `nil` where the server cannot serve this read.
    mutating func mayGoOn(after failure: RedisFailure?) -> Bool {
        guard let reader else { return false }
        return attempts.mayGoOn(after: reader.connection, failing: failure)
    }

    /// Whether to ask again, after a replica without its master found nothing.
    ///
    /// - Parameter data: what has become of its data.
    /// - Returns: `nil` where what it found counts.
    mutating func mayGoOn(after data: RedisLoop.ReaderData) -> Bool? {
        switch data {
        case .kept: nil
        case .replaced: attempts.mayGoOnAfterDisplacement()
        case .lost, .unknown: mayGoOn(after: RedisFailure?.none)
        }
    }

    /// Whether another server may be asked, after the last one said why it does not answer.
    mutating func mayGoOn(after problem: Problem) -> Bool {
        problem == .redisUnavailable(role: "Redis server") && mayGoOn(after: nil)
    }

    /// Whether the read may be asked once more, also of the same server.
    mutating func mayGoOnAfterDisplacement() -> Bool { attempts.mayGoOnAfterDisplacement() }
}

extension Problem {
    /// Why no server can be asked.
    init(noReaderOf redis: RedisLoop) { self.init(redis.readFailure, role: "Redis server") }
}

extension ResponseHead {
    /// The head of an answer from this server: it names the server, and says so where that lost its master.
    ///
    /// - Parameter app: how it names this app, for reads that show which one answered; empty for all others.
    init(_ contentType: ContentType, from reader: RedisLoop.Reader, app: [UInt8] = []) {
        self.init(contentType: contentType)
        complete(from: reader, app: app)
    }

    /// Names the server, and the app.
    mutating func complete(from reader: RedisLoop.Reader?, app: [UInt8]) {
        if let reader {
            server = reader.connection.servedFields
            isStale = reader.isStale
        }
        if !app.isEmpty { add("Served-App", app) }
    }
}
