/// Values whose elements are packed into strings.
extension RDBReader {
    /// A list in nodes.
    mutating func readNodes(_ form: ValueForm, _ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        var left = try input.count()
        while left > 0 {
            left -= 1
            let container = form == .listpackNodes ? try input.count() : 2
            guard 1...2 ~= container else { throw input.damaged("a list has a node of an unknown kind, \(container)") }
            guard let visitor else {
                try input.skipText()
                continue
            }
            guard let bytes = try input.text(upTo: Self.maximumPartBytes) else {
                try give(.tooLarge, visitor)
                continue
            }
            if container == 1 {
                try give(.element(bytes), visitor)
            } else if form == .listpackNodes {
                var listpack = try Listpack(bytes, offset: input.offset)
                while let element = try listpack.next() { try give(.element(element.text), visitor) }
            } else {
                var ziplist = try Ziplist(bytes, offset: input.offset)
                while let element = try ziplist.next() { try give(.element(element.text), visitor) }
            }
        }
    }

    /// A value in one string.
    mutating func readPacked(_ form: ValueForm, _ visitor: (any RDBVisitor)?) throws(RDBFileError) {
        guard let visitor else { return try input.skipText() }
        guard let bytes = try input.text(upTo: Self.maximumPartBytes) else { return try give(.tooLarge, visitor) }
        let offset = input.offset
        switch form {
        case .packedList: try read(try Ziplist(bytes, offset: offset), form, visitor)
        case .intset: try read(try Intset(bytes, offset: offset), form, visitor)
        case .packedSortedSet(isListpack: false), .packedHash(isListpack: false):
            try read(try Ziplist(bytes, offset: offset), form, visitor)
        default: try read(try Listpack(bytes, offset: offset), form, visitor)
        }
    }

    private func read(
        _ elements: some PackedElements, _ form: ValueForm, _ visitor: any RDBVisitor
    ) throws(RDBFileError) {
        var elements = elements
        while let first = try elements.next() {
            switch form {
            case .packedList: try give(.element(first.text), visitor)
            case .packedSortedSet:
                let score = try elements.due()
                switch score {
                case .integer(let number): try give(.scored(first.text, score: Double(number)), visitor)
                case .text(let text): try give(.scored(first.text, score: try self.score(text)), visitor)
                }
            case .packedHash:
                let value = try elements.due()
                try give(.field(first.text, value: value.text, expiresAt: nil), visitor)
            case .packedExpiringHash:
                let value = try elements.due()
                guard case .integer(let time) = try elements.due(), time >= 0 else {
                    throw elements.damaged("has a field whose time of expiry is no time")
                }
                try give(.field(first.text, value: value.text, expiresAt: time == 0 ? nil : time), visitor)
            default: try give(.member(first.text), visitor)
            }
        }
    }
}
