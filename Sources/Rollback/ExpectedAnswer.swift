import RDBFile
import RedisClient

/// What the server answers where it has the same as the file.
enum ExpectedAnswer: Equatable {
    /// - Parameter isRelative: what is left of the time is answered, else the time itself.
    case expiry(Int64?, isRelative: Bool)
    case text([UInt8])
    case count(ClosedRange<Int64>)
    case texts([[UInt8]])
    /// Each is a member.
    case members(Int)
    case scores([Double])
    case score(Double)
    /// When the fields of a hash expire.
    case times([Int64?])
    case entries([Entry])
    case lastEntry(RDBStreamID)
    case groups([Group])
    case consumers([Consumer])

    struct Entry: Equatable {
        var id: RDBStreamID
        var fields: [[UInt8]]
    }

    struct Group: Equatable {
        var name: [UInt8]
        var last: RDBStreamID
        var pending: UInt64
    }

    struct Consumer: Equatable {
        var name: [UInt8]
        var pending: UInt64
    }

    enum Finding: Equatable {
        case same, differs, missing
        /// An error reply that is none about the key's type.
        case refused([UInt8])
    }

    /// A key that is moved between servers (MIGRATE) is sent with the milliseconds that are left to it, so its time shifts.
    private static let timeSlack: Int64 = 1000

    /// - Parameter times: by the server's clock, before and after the answer, in milliseconds.
    func finding(_ answer: RedisValue, between times: ClosedRange<Int64>) -> Finding {
        if case .error(let text) = answer {
            let ofOther = ["WRONGTYPE", "ERR no such key", "NOGROUP"]
            return ofOther.contains { text.starts(with: $0.utf8) } ? .differs : .refused(text)
        }
        switch self {
        case .expiry(let time, let isRelative):
            guard case .integer(let number) = answer, number != -2 else { return .missing }
            guard let time else { return number == -1 ? .same : .differs }
            guard number >= 0 else { return .differs }
            let (distance, isTooFar) = time.subtractingReportingOverflow(number)
            let due = isRelative ? times : 0...0
            guard !isTooFar else { return .differs }
            return (due.lowerBound - Self.timeSlack)...(due.upperBound + Self.timeSlack) ~= distance ? .same : .differs
        case .text(let text): return answer == .bulk(text) ? .same : .differs
        case .count(let range):
            guard case .integer(let count) = answer else { return .differs }
            return range.contains(count) ? .same : .differs
        case .members(let count):
            if case .integer(let isMember) = answer { return isMember == 1 ? .same : .differs }
            return answer == .array(Array(repeating: .integer(1), count: count)) ? .same : .differs
        case .texts(let texts): return answer == .array(texts.map { .bulk($0) }) ? .same : .differs
        case .score(let score): return answer.isScore(score) ? .same : .differs
        case .scores(let scores):
            guard case .array(let answers) = answer, answers.count == scores.count else { return .differs }
            return zip(answers, scores).allSatisfy { $0.isScore($1) } ? .same : .differs
        case .times(let expected):
            return answer == .array(expected.map { .integer($0 ?? -1) }) ? .same : .differs
        case .entries(let entries):
            let expected = entries.map { entry in
                RedisValue.array([
                    .bulk(Array("\(entry.id)".utf8)), .array(entry.fields.map { .bulk($0) }),
                ])
            }
            return answer == .array(expected) ? .same : .differs
        case .lastEntry(let id): return answer["last-generated-id"]?.bytes == Array("\(id)".utf8) ? .same : .differs
        case .groups(let groups):
            guard case .array(let answers) = answer else { return .differs }
            let found = answers.map { answer in
                [answer["name"]?.bytes, answer["last-delivered-id"]?.bytes, answer["pending"]?.bytes]
            }
            let expected: [[[UInt8]?]] = groups.map {
                [$0.name, Array("\($0.last)".utf8), Array("\($0.pending)".utf8)]
            }
            return found == expected ? .same : .differs
        case .consumers(let consumers):
            guard case .array(let answers) = answer else { return .differs }
            let found = answers.map { [$0["name"]?.bytes, $0["pending"]?.bytes] }
            let expected: [[[UInt8]?]] = consumers.map { [$0.name, Array("\($0.pending)".utf8)] }
            return found == expected ? .same : .differs
        }
    }
}

extension RedisValue {
    /// A text or a number, as bytes.
    fileprivate var bytes: [UInt8]? {
        switch self {
        case .bulk(let bytes), .simple(let bytes): bytes
        case .integer(let number): Array("\(number)".utf8)
        case .error, .null, .array: nil
        }
    }

    /// Of an array of names and values in turn.
    fileprivate subscript(_ name: String) -> RedisValue? {
        guard case .array(let elements) = self else { return nil }
        let wanted = Array(name.utf8)
        for index in stride(from: 0, to: elements.count - 1, by: 2) where elements[index].bytes == wanted {
            return elements[index + 1]
        }
        return nil
    }

    fileprivate func isScore(_ score: Double) -> Bool {
        guard let bytes, let number = Double(String(decoding: bytes, as: UTF8.self)) else { return false }
        return number == score || (number.isNaN && score.isNaN)
    }
}
