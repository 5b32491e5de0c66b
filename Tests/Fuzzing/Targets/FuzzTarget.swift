/// Code that parses foreign bytes. Each target checks its promises on any input, so that no foreign file or stream is the
/// first to break one.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// HTTP requests, and what is derived from their fields.
    case requests
    /// Chunk sizes, their extensions and trailers.
    case chunks
    /// The names in Host and in a target, and the source of a request.
    case hosts
    /// The path and the query of a request.
    case target
    /// The fields of a request that have a grammar of their own.
    case field
    /// Bodies in JSON.
    case json
    /// The file with a token, and what clients show.
    case token
    /// Replies in RESP.
    case replies
    /// A redis.conf, edited.
    case redisConf = "redis-conf"
    /// A start: a redis.conf, variables and arguments.
    case start
    /// Answers to INFO.
    case info
    /// The file that says whom a replica follows.
    case masterRecord = "master-record"
    /// The file that says whom a replica has to follow again.
    case journal
    /// The beginning of an RDB, and its end.
    case rdb
    /// An RDB file, to its end.
    case rdbFile = "rdb-file"
    /// The answer to SYNC, and what a replica says to a placeholder master.
    case transfer

    /// Does nothing where every promise is kept.
    public func check(_ input: [UInt8]) throws(BrokenPromise) {
        switch self {
        case .requests: try checkRequests(input)
        case .chunks: try checkChunks(input)
        case .hosts: try checkHosts(input)
        case .target: try checkTarget(input)
        case .field: try checkField(input)
        case .json: try checkJSON(input)
        case .token: try checkToken(input)
        case .replies: try checkReplies(input)
        case .redisConf: try checkRedisConf(input)
        case .start: try checkStart(input)
        case .info: try checkInfo(input)
        case .masterRecord: try checkMasterRecord(input)
        case .journal: try checkJournal(input)
        case .rdb: try checkRDB(input)
        case .rdbFile: try checkRDBFile(input)
        case .transfer: try checkTransfer(input)
        }
    }
}

/// What a target found.
public struct BrokenPromise: Error, CustomStringConvertible {
    /// As it should be.
    public let promise: String
    /// What is instead.
    public let found: String

    init(_ promise: String, _ found: String = "") {
        self.promise = promise
        self.found = found
    }

    public var description: String { "not kept: \(promise)\(found.isEmpty ? "" : ": \(found)")" }
}

/// - Parameter found: made only where the promise is broken.
func require(_ condition: Bool, _ promise: String, _ found: @autoclosure () -> String = "") throws(BrokenPromise) {
    guard condition else { throw BrokenPromise(promise, found()) }
}
