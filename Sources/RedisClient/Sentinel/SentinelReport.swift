import RedisCore

/// What the Sentinels say, for those who show it.
public struct SentinelReport: Equatable, Sendable {
    public struct Sentinel: Equatable, Sendable {
        public var endpoint: RedisEndpoint
        /// A stable word for what it says; `names-master` where all is well, `asking` before its first answer.
        public var code: String
        /// The same in words for an operator.
        public var words: String
        /// Of the master that it names.
        public var epoch: UInt64?

        /// Whether it answers and names a master.
        public var isAnswering: Bool { epoch != nil }

        public init(endpoint: RedisEndpoint, code: String, words: String, epoch: UInt64?) {
            self.endpoint = endpoint
            self.code = code
            self.words = words
            self.epoch = epoch
        }
    }

    /// As `sentinel monitor NAME` has it.
    public var masterName: String
    /// The master that they named last; `nil` before they named one.
    public var master: RedisEndpoint?
    /// The config-epoch of that.
    public var epoch: UInt64?
    /// Why they name none now, in words for an operator; `nil` while they do.
    public var doubt: String?
    /// Whether one of them is making another server the master.
    public var isFailingOver = false
    public var sentinels: [Sentinel] = []

    public init(masterName: String) { self.masterName = masterName }

    /// How many answer and name a master.
    public var answering: Int { sentinels.count(where: \.isAnswering) }
}

/// What of the Sentinels' word decides where writes go.
struct SentinelWord: Equatable, Sendable {
    /// The master that they named last. It is not left because they fall silent.
    var master: RedisEndpoint?
    /// Another server becomes the master now: what is written would be lost with the old one.
    var isFailingOver = false
    /// Why they never named one; of use while ``master`` is `nil`.
    var doubt = "\(SentinelVerdict.Doubt.asking)"
    /// Whether that is only since the process has just begun.
    var isAsking = true
}
