/// Values, by the way in which they lie in the file.
extension RDBReader {
    /// - Parameter visitor: `nil` where the value is skipped.
    mutating func readValue(_ form: ValueForm, _ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        switch form {
        case .string: try readString(visitor)
        case .list: try repeatTexts(1, visitor) { .element($0[0]) }
        case .set: try repeatTexts(1, visitor) { .member($0[0]) }
        case .hash: try repeatTexts(2, visitor) { .field($0[0], value: $0[1], expiresAt: nil) }
        case .sortedSet(let isBinary): try readSortedSet(isBinary: isBinary, visitor)
        case .expiringHash(let hasEarliest): try readExpiringHash(hasEarliest: hasEarliest, visitor)
        case .valkeyExpiringHash: try readValkeyHash(visitor)
        case .stream(let version): try readStream(version: version, visitor)
        case .ziplistNodes, .listpackNodes: try readNodes(form, visitor)
        case .packedExpiringHash(let hasEarliest):
            if hasEarliest { _ = try input.littleEndian(8) }
            try readPacked(form, visitor)
        case .packedList, .intset, .packedSet, .packedSortedSet, .packedHash: try readPacked(form, visitor)
        case .module: preconditionFailure("a module's value is passed over")
        }
    }

    func give(_ part: RDBPart, _ visitor: any RDBVisitor) throws(RDBFileError) {
        guard visitor.take(part) else { throw RDBFileError(.stopped, at: input.offset) }
    }

    private mutating func readString(_ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        let text = try input.text()
        guard let visitor else { return try input.skip(text) }
        switch text {
        case .number(let bytes): try give(.text(bytes, isLast: true), visitor)
        case .compressed(let bytes, let whole):
            try input.expand(bytes, to: whole, piece: Self.pieceBytes) { visitor.take(.text($0, isLast: $1)) }
        case .plain(let count):
            var left = count
            repeat {
                let piece = try input.bytes(Int(min(left, UInt64(Self.pieceBytes))))
                left -= UInt64(piece.count)
                try give(.text(piece, isLast: left == 0), visitor)
            } while left > 0
        }
    }

    /// So many times a group of strings.
    private mutating func repeatTexts(
        _ size: Int, _ visitor: (any RDBVisitor)?, _ make: ([[UInt8]]) -> RDBPart
    ) throws(RDBFileError) {
        var left = try input.count()
        while left > 0 {
            left -= 1
            guard let visitor else {
                for _ in 0..<size { try input.skipText() }
                continue
            }
            let texts = try texts(size)
            try give(texts.map(make) ?? .tooLarge, visitor)
        }
    }

    /// - Returns: `nil` where one of them is too large. All are taken from the input in any case.
    private mutating func texts(_ count: Int) throws(RDBFileError) -> [[UInt8]]? {
        var texts: [[UInt8]] = []
        for _ in 0..<count {
            if let text = try input.text(upTo: Self.maximumPartBytes) { texts.append(text) }
        }
        return texts.count == count ? texts : nil
    }

    private mutating func readSortedSet(isBinary: Bool, _ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        var left = try input.count()
        while left > 0 {
            left -= 1
            let member = try texts(1)?[0]
            let score = isBinary ? Double(bitPattern: try input.littleEndian(8)) : try textScore()
            if let visitor { try give(member.map { .scored($0, score: score) } ?? .tooLarge, visitor) }
        }
    }

    /// Its length, then the number in decimal; the highest lengths stand for what is no number.
    private mutating func textScore() throws(RDBFileError) -> Double {
        switch try input.byte() {
        case 255: return -.infinity
        case 254: return .infinity
        case 253: return .nan
        case let count: return try score(try input.bytes(Int(count)))
        }
    }

    func score(_ text: [UInt8]) throws(RDBFileError) -> Double {
        guard let score = Double(String(decoding: text, as: UTF8.self)) else {
            throw input.damaged("a score is no number")
        }
        return score
    }

    private mutating func readExpiringHash(
        hasEarliest: Bool, _ visitor: (any RDBVisitor)?
    ) throws(RDBFileError) {
        let earliest = hasEarliest ? try input.littleEndian(8) : 1
        var left = try input.count()
        while left > 0 {
            left -= 1
            let time = try input.count()
            // One more than the distance from the earliest, as 0 stands for none.
            let (sum, isTooMuch) = earliest.addingReportingOverflow(time)
            guard time == 0 || (!isTooMuch && sum - 1 <= Int64.max) else {
                throw input.damaged("a field's time of expiry is no time")
            }
            try giveField(try texts(2), expiresAt: time == 0 ? nil : Int64(sum - 1), visitor)
        }
    }

    private mutating func readValkeyHash(_ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        var left = try input.count()
        while left > 0 {
            left -= 1
            let pair = try texts(2)
            let time = Int64(bitPattern: try input.littleEndian(8))
            try giveField(pair, expiresAt: time == -1 ? nil : time, visitor)
        }
    }

    private func giveField(
        _ pair: [[UInt8]]?, expiresAt: Int64?, _ visitor: (any RDBVisitor)?
    ) throws(RDBFileError) {
        guard let visitor else { return }
        try give(pair.map { .field($0[0], value: $0[1], expiresAt: expiresAt) } ?? .tooLarge, visitor)
    }

    // MARK: Modules

    /// Numbers and strings, each behind what it is, up to a mark.
    mutating func skipModuleValue() throws(RDBFileError) {
        while true {
            switch try input.count() {
            case 0: return
            case 1, 2: _ = try input.count()
            case 3: try input.skip(4)
            case 4: try input.skip(8)
            case 5: try input.skipText()
            case let kind: throw input.damaged("a module's value has a part of an unknown kind, \(kind)")
            }
        }
    }
}
