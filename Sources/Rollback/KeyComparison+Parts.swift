import RDBFile

/// Parts of the key that is being read, for which nothing was asked yet.
struct GatheredParts {
    var names: [[UInt8]] = []
    var values: [[UInt8]] = []
    var scores: [Double] = []
    var times: [Int64?] = []
    var entries: [ExpectedAnswer.Entry] = []
    var bytes = 0
    var elements = 0

    // Of the whole key:
    /// The value is read.
    var hasValue = false
    /// How many parts there were, those that have expired left out.
    var count: Int64 = 0
    /// How many fields have expired; the server may count them still.
    var expired: Int64 = 0
    /// Bytes of a string that were asked for.
    var offset: Int64 = 0
    var streamLength: UInt64?
    var last: RDBStreamID?
    var groups: [ExpectedAnswer.Group] = []
    /// Of the last group.
    var consumers: [ExpectedAnswer.Consumer] = []
    /// A part was skipped, so that the number of parts is not known.
    var hasLarge = false

    mutating func forget() {
        (names, values, scores, times, entries, bytes, elements) = ([], [], [], [], [], 0, 0)
    }

    mutating func note(_ texts: [UInt8]...) {
        count += 1
        for text in texts {
            bytes += text.count + 32
            elements += 1
        }
    }
}

/// What is asked for each part of a value.
extension KeyComparison {
    /// Elements that one command asks for.
    private static let elementsOfCommand = 200

    func gather(_ part: RDBPart) {
        switch part {
        case .text(let text, let isLast): askForText(text, isLast: isLast)
        case .element(let text):
            // Behind what was skipped, places are not known.
            guard !gathered.hasLarge else { return }
            gathered.values.append(text)
            gathered.note(text)
        case .member(let text):
            gathered.names.append(text)
            gathered.note(text)
        case .scored(let member, let score):
            gathered.names.append(member)
            gathered.scores.append(score)
            gathered.note(member)
        case .field(let field, let value, let time):
            if let time, time <= present {
                gathered.expired += 1
                return
            }
            gathered.names.append(field)
            gathered.values.append(value)
            gathered.times.append(time)
            gathered.note(field, value)
        case .entry(let id, let fields):
            gathered.entries.append(ExpectedAnswer.Entry(id: id, fields: fields))
            gathered.note()
            gathered.bytes += fields.reduce(64) { $0 + $1.count + 32 }
            gathered.elements += fields.count + 4
        case .streamEnd(let length, let last):
            askForGathered()
            (gathered.streamLength, gathered.last) = (length, last)
        case .group(let name, let last, let pending):
            askForConsumers()
            gathered.groups.append(ExpectedAnswer.Group(name: name, last: last, pending: pending))
        case .consumer(let name, let pending):
            gathered.consumers.append(ExpectedAnswer.Consumer(name: name, pending: pending))
        case .tooLarge: gathered.hasLarge = true
        }
        if gathered.elements >= Self.elementsOfCommand { askForGathered() }
    }

    /// One byte more than there is of the last piece, so that a longer value shows.
    private func askForText(_ text: [UInt8], isLast: Bool) {
        let end = gathered.offset + Int64(text.count) - (isLast ? 0 : 1)
        question(["GETRANGE"], [decimal(gathered.offset), decimal(end)], .text(text), bytes: text.count)
        gathered.offset += Int64(text.count)
    }

    /// Asks for what was gathered.
    func askForGathered() {
        let parts = gathered
        gathered.forget()
        if !parts.entries.isEmpty { return ask(parts.entries, bytes: parts.bytes) }
        guard !parts.names.isEmpty || !parts.values.isEmpty else { return }
        if parts.names.isEmpty {
            // A list: by place.
            let first = parts.count - Int64(parts.values.count)
            question(
                ["LRANGE"], [decimal(first), decimal(parts.count - 1)], .texts(parts.values),
                bytes: parts.bytes, elements: parts.values.count)
        } else if !parts.values.isEmpty {
            question(["HMGET"], parts.names, .texts(parts.values), bytes: parts.bytes, elements: parts.names.count)
            guard commands.contains(.fieldExpiry) else { return }
            question(
                ["HPEXPIRETIME"], [Array("FIELDS".utf8), decimal(Int64(parts.names.count))] + parts.names,
                .times(parts.times), elements: parts.names.count)
        } else if !parts.scores.isEmpty {
            if commands.contains(.several) {
                question(["ZMSCORE"], parts.names, .scores(parts.scores), elements: parts.names.count)
            } else {
                for (name, score) in zip(parts.names, parts.scores) { question(["ZSCORE"], [name], .score(score)) }
            }
        } else if commands.contains(.several) {
            question(["SMISMEMBER"], parts.names, .members(parts.names.count), elements: parts.names.count)
        } else {
            for name in parts.names { question(["SISMEMBER"], [name], .members(1)) }
        }
    }

    private func ask(_ entries: [ExpectedAnswer.Entry], bytes: Int) {
        guard let first = entries.first, let last = entries.last else { return }
        // One more than expected, so that one between them shows.
        question(
            ["XRANGE"],
            [first.id, last.id].map { Array("\($0)".utf8) } + [Array("COUNT".utf8), decimal(Int64(entries.count + 1))],
            .entries(entries), bytes: bytes, elements: entries.reduce(0) { $0 + $1.fields.count + 4 })
    }

    private func askForConsumers() {
        guard let group = gathered.groups.last, !gathered.hasLarge else { return }
        question(
            ["XINFO", "CONSUMERS"], [group.name], .consumers(gathered.consumers), elements: gathered.consumers.count)
        gathered.consumers = []
    }

    /// The value has ended: what is left of it, and how many parts the server has.
    func finish() {
        askForGathered()
        let count = gathered.count
        let exactly = { (number: Int64) in ExpectedAnswer.count(number...number) }
        switch type {
        case .string, .module: break
        // How many were skipped is not known.
        case _ where gathered.hasLarge && type != .stream: break
        case .list: question(["LLEN"], [], exactly(count))
        case .set: question(["SCARD"], [], exactly(count))
        case .sortedSet: question(["ZCARD"], [], exactly(count))
        case .hash where count == 0 && gathered.expired > 0: noteExpired()
        case .hash: question(["HLEN"], [], .count(count...count + gathered.expired))
        case .stream:
            question(["XLEN"], [], exactly(Int64(clamping: gathered.streamLength ?? 0)))
            if let last = gathered.last { question(["XINFO", "STREAM"], [], .lastEntry(last)) }
            askForConsumers()
            guard !gathered.hasLarge else { return }
            question(["XINFO", "GROUPS"], [], .groups(gathered.groups), elements: gathered.groups.count)
        }
    }

    private func decimal(_ number: Int64) -> [UInt8] { Array("\(number)".utf8) }
}
