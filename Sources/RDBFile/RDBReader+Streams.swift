/// Streams (redis/redis `src/t_stream.c`, `streamAppendItem`, and `src/rdb.c`).
extension RDBReader {
    mutating func readStream(version: Int, _ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        var left = try input.count()
        while left > 0 {
            left -= 1
            try readStreamNode(visitor)
        }
        let length = try input.count()
        let last = try streamID()
        // The first one, the highest one that was deleted, and how many there ever were.
        if version >= 2 { for _ in 0..<5 { _ = try input.count() } }
        if let visitor { try give(.streamEnd(length: length, last: last), visitor) }
        var groups = try input.count()
        while groups > 0 {
            groups -= 1
            try readGroup(version: version, visitor)
        }
    }

    private mutating func streamID() throws(RDBFileError) -> RDBStreamID {
        RDBStreamID(try input.count(), try input.count())
    }

    /// The entries that follow one identity, by their distance from it.
    private mutating func readStreamNode(_ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        guard try input.text().isOf(16) else { throw input.damaged("a stream's node has no identity of 16 bytes") }
        let first = RDBStreamID(try input.bigEndian(8), try input.bigEndian(8))
        guard let visitor else { return try input.skipText() }
        guard let bytes = try input.text(upTo: Self.maximumPartBytes) else { return try give(.tooLarge, visitor) }
        var elements = try Listpack(bytes, offset: input.offset)
        // How many are there, and how many of them are deleted.
        let counts = (try number(&elements), try number(&elements))
        let (sum, isTooMuch) = counts.0.addingReportingOverflow(counts.1)
        guard counts.0 >= 0, counts.1 >= 0, !isTooMuch else { throw elements.damaged("has a wrong number of entries") }
        let names = try fields(try number(&elements), &elements)
        guard try number(&elements) == 0 else { throw elements.damaged("has no mark behind its field names") }
        var left = sum
        while left > 0 {
            left -= 1
            try readEntry(from: first, names, &elements, visitor)
        }
        guard try elements.next() == nil else { throw elements.damaged("has more entries than it says") }
    }

    /// - Parameter names: of the fields of an entry that names none; `nil` where they are too many.
    private func readEntry(
        from first: RDBStreamID, _ names: [[UInt8]]?, _ elements: inout Listpack, _ visitor: any RDBVisitor
    ) throws(RDBFileError) {
        let flags = try number(&elements)
        let id = RDBStreamID(
            first.milliseconds &+ UInt64(bitPattern: try number(&elements)),
            first.sequence &+ UInt64(bitPattern: try number(&elements)))
        var texts: [[UInt8]]? = []
        if flags & 2 != 0 {
            guard let names else { throw elements.damaged("has an entry with too many fields") }
            for name in names { texts! += [name, try elements.due().text] }
        } else {
            let (count, isTooMuch) = try number(&elements).multipliedReportingOverflow(by: 2)
            guard !isTooMuch else { throw elements.damaged("has a wrong number of fields") }
            texts = try fields(count, &elements)
        }
        // How many elements the entry has: for reading it from its end.
        _ = try number(&elements)
        guard flags & 1 == 0 else { return }
        try give(texts.map { .entry(id, fields: $0) } ?? .tooLarge, visitor)
    }

    /// - Returns: `nil` where they are too many; they are skipped then.
    private func fields(_ count: Int64, _ elements: inout Listpack) throws(RDBFileError) -> [[UInt8]]? {
        guard count >= 0 else { throw elements.damaged("has a wrong number of fields") }
        var texts: [[UInt8]] = []
        let areHeld = count <= Int64(Self.maximumEntryFields)
        var left = count
        while left > 0 {
            left -= 1
            let element = try elements.due()
            if areHeld { texts.append(element.text) }
        }
        return areHeld ? texts : nil
    }

    private func number(_ elements: inout Listpack) throws(RDBFileError) -> Int64 {
        guard case .integer(let number) = try elements.due() else {
            throw elements.damaged("has a text where a number is due")
        }
        return number
    }

    // MARK: Consumer groups

    private mutating func readGroup(version: Int, _ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        let name = try input.text(upTo: Self.maximumPartBytes)
        let last = try streamID()
        // How many entries it has read.
        if version >= 2 { _ = try input.count() }
        let pending = try input.count()
        var left = pending
        while left > 0 {
            left -= 1
            // Which entry, when it was delivered, how often.
            try input.skip(24)
            _ = try input.count()
        }
        if let visitor {
            try give(name.map { .group($0, last: last, pending: pending) } ?? .tooLarge, visitor)
        }
        var consumers = try input.count()
        while consumers > 0 {
            consumers -= 1
            try readConsumer(version: version, visitor)
        }
    }

    private mutating func readConsumer(version: Int, _ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        let name = try input.text(upTo: Self.maximumPartBytes)
        // When it was seen, and when it was active.
        try input.skip(version >= 3 ? 16 : 8)
        let pending = try input.count()
        let (bytes, isTooMuch) = pending.multipliedReportingOverflow(by: 16)
        guard !isTooMuch else { throw input.damaged("a consumer has a wrong number of entries") }
        try input.skip(bytes)
        if let visitor { try give(name.map { .consumer($0, pending: pending) } ?? .tooLarge, visitor) }
    }
}

extension RDBInput.Text {
    fileprivate func isOf(_ bytes: UInt64) -> Bool {
        if case .plain(let count) = self { count == bytes } else { false }
    }
}
