import RDBFile
import RedisClient

/// Compares each key of a file with the server's, in batches of questions; what it holds has a bound.
///
/// The server may change meanwhile: a key is what it was when it was asked.
final class KeyComparison: RDBVisitor {
    /// What the server knows that not all versions know.
    struct Commands: OptionSet {
        let rawValue: Int
        /// PEXPIRETIME, from 7.0 on.
        static let expiryTime = Commands(rawValue: 1)
        /// SMISMEMBER and ZMSCORE, from 6.2 on.
        static let several = Commands(rawValue: 2)
        /// HPEXPIRETIME: Redis from 7.4 on, Valkey from 9.0 on.
        static let fieldExpiry = Commands(rawValue: 4)
    }

    /// One batch of questions: about so many bytes, commands and elements.
    static let batchBytes = 256 << 10
    static let batchCommands = 400
    static let batchElements = 4000
    static let batchKeys = 2000

    private struct Question {
        let key: Int
        let words: [[UInt8]]
        let expectation: ExpectedAnswer
    }

    private struct OpenKey {
        let key: RDBKey
        var state = ComparedKey.State.same
        /// Once it has ended.
        var bytes: Int?
    }

    private let ask: (_ commands: [[[UInt8]]], _ database: Int) throws(RollbackError) -> [RedisValue?]
    private let report: (ComparedKey) throws(RollbackError) -> Void
    let commands: Commands

    private var questions: [Question] = []
    private var questionBytes = 0
    private var questionElements = 0
    /// Those that wait for answers, and at the end the one that is being read.
    private var open: [OpenKey] = []
    /// The server's clock, in milliseconds, when it was asked last.
    private var now: Int64
    private(set) var counts: [ComparedKey.State: Int] = [:]
    /// Why the comparison has ended early.
    private(set) var failure: RollbackError?

    /// Of the key that is being read.
    var gathered = GatheredParts()

    /// - Parameters:
    ///   - now: the server's clock, in milliseconds since 1970.
    ///   - report: each key, in the order of the file.
    init(
        _ commands: Commands, now: Int64,
        ask: @escaping (_ commands: [[[UInt8]]], _ database: Int) throws(RollbackError) -> [RedisValue?],
        report: @escaping (ComparedKey) throws(RollbackError) -> Void
    ) {
        (self.commands, self.now, self.ask, self.report) = (commands, now, ask, report)
    }

    // MARK: Reading

    func begin(_ key: RDBKey) -> RDBInterest {
        // The questions of one batch are for one database.
        if let last = open.last, last.key.database != key.database, !flush() { return .stop }
        open.append(OpenKey(key: key))
        gathered = GatheredParts()
        if let time = key.expiresAt, time <= now {
            open[open.count - 1].state = .expired
            return .keyOnly
        }
        guard key.isWhole else {
            open[open.count - 1].state = .notCompared
            return .keyOnly
        }
        let isRelative = !commands.contains(.expiryTime)
        question([isRelative ? "PTTL" : "PEXPIRETIME"], [], .expiry(key.expiresAt, isRelative: isRelative))
        if case .module = key.type {
            open[open.count - 1].state = .notCompared
            return .keyOnly
        }
        gathered.hasValue = true
        return .value
    }

    func take(_ part: RDBPart) -> Bool {
        // A key that is known to differ is read to its end, and not asked for any more.
        guard wantsMore else { return true }
        if part == .tooLarge {
            // What lies behind it does not follow on what was gathered.
            askForGathered()
            open[open.count - 1].state = .notCompared
            gathered.hasLarge = true
            return true
        }
        gather(part)
        return flushIfFull()
    }

    func end(bytes: Int) -> Bool {
        if wantsMore, gathered.hasValue { finish() }
        open[open.count - 1].bytes = bytes
        return flushIfFull()
    }

    /// Asks what is still to be asked.
    ///
    /// - Returns: whether all could be asked.
    func finishAll() -> Bool { flush() }

    private var wantsMore: Bool {
        switch open[open.count - 1].state {
        case .same, .notCompared: true
        case .missing, .differs, .expired: false
        }
    }

    /// All fields of the hash that is being read have expired, and it with them.
    func noteExpired() { open[open.count - 1].state = .expired }

    /// Of the key that is being read.
    var type: RDBValueType { open[open.count - 1].key.type }

    /// The moment before which fields of hashes are gone.
    var present: Int64 { now }

    // MARK: Asking

    /// - Parameters:
    ///   - command: its first words; the key's name follows.
    ///   - rest: what follows the name.
    ///   - bytes: the bytes to compare.
    func question(
        _ command: [String], _ rest: [[UInt8]], _ expectation: ExpectedAnswer, bytes: Int = 0, elements: Int = 1
    ) {
        let words = command.map { Array($0.utf8) } + [open[open.count - 1].key.name] + rest
        questions.append(Question(key: open.count - 1, words: words, expectation: expectation))
        questionBytes += words.reduce(64 + bytes) { $0 + $1.count }
        questionElements += elements
    }

    private func flushIfFull() -> Bool {
        let isFull =
            questionBytes + gathered.bytes >= Self.batchBytes || questions.count >= Self.batchCommands
            || questionElements + gathered.elements >= Self.batchElements || open.count >= Self.batchKeys
        guard isFull else { return true }
        if open.last?.bytes == nil, wantsMore { askForGathered() }
        return flush()
    }

    private static let clock = [Array("TIME".utf8)]

    private func flush() -> Bool {
        guard failure == nil else { return false }
        do throws(RollbackError) {
            if let database = open.first?.key.database, !questions.isEmpty {
                // The clock around them, for what counts from now on.
                let answers = try ask([Self.clock] + questions.map(\.words) + [Self.clock], database)
                try take(answers)
            }
            (questions, questionBytes, questionElements) = ([], 0, 0)
            try close()
            return true
        } catch {
            failure = error
            return false
        }
    }

    private func take(_ answers: [RedisValue?]) throws(RollbackError) {
        guard answers.count == questions.count + 2, let before = answers[0]?.time,
            let after = answers[answers.count - 1]?.time
        else { throw .server("gave an answer to TIME that cannot be read") }
        now = after
        for (question, answer) in zip(questions, answers.dropFirst()) {
            // Something too large to be taken is not what the file has.
            let finding =
                answer.map { question.expectation.finding($0, between: before...max(before, after)) } ?? .differs
            switch (finding, open[question.key].state) {
            case (.same, _), (_, .missing), (_, .expired): break
            case (.missing, _):
                let isOver = open[question.key].key.expiresAt.map { $0 <= after } ?? false
                open[question.key].state = isOver ? .expired : .missing
            case (.differs, _): open[question.key].state = .differs
            case (.refused(let text), _):
                throw .server(LiveServer.words(text, of: String(decoding: question.words[0], as: UTF8.self)))
            }
        }
    }

    /// Reports the keys that have ended.
    private func close() throws(RollbackError) {
        let ended = open.prefix { $0.bytes != nil }
        for key in ended {
            counts[key.state, default: 0] += 1
            try report(
                ComparedKey(
                    state: key.state, database: key.key.database, type: key.key.type.name, bytes: key.bytes ?? 0,
                    name: key.key.name))
        }
        open.removeFirst(ended.count)
    }
}

extension RedisValue {
    /// The answer to TIME: seconds and microseconds. In milliseconds.
    var time: Int64? {
        guard case .array(let parts) = self, parts.count == 2, case .bulk(let seconds) = parts[0],
            case .bulk(let microseconds) = parts[1], let whole = Int64(String(decoding: seconds, as: UTF8.self)),
            let rest = Int64(String(decoding: microseconds, as: UTF8.self)), 0..<1_000_000 ~= rest,
            0..<(Int64.max / 2000) ~= whole
        else { return nil }
        return whole * 1000 + rest / 1000
    }
}
