extension Document {
    /// A directive as it was read, its place included.
    public struct Entry: Equatable, Sendable {
        public var name: DirectiveName
        /// The name as it is written, its quotes resolved.
        public var spelling: [UInt8]
        /// The arguments behind the name.
        public var arguments: [Token]
        /// Of the name's first byte.
        public var position: Position
        var index: Int

        /// The arguments' bytes alone.
        public var values: [[UInt8]] { arguments.map(\.bytes) }

        /// Where an argument begins.
        public func position(ofArgument index: Int) -> Position {
            Position(line: position.line, column: position.column + arguments[index].offset)
        }
    }

    /// The directives in order, edits not applied; malformed lines are left out, see ``faults``.
    public var entries: [Entry] { directives.indices.compactMap(entry) }

    /// Every directive of one name, aliases included, in order.
    public func entries(named name: DirectiveName) -> [Entry] { indices(of: name).compactMap(entry) }

    /// What redis-server would refuse in these bytes, in order.
    public var faults: [(position: Position, fault: Fault)] {
        var result: [(position: Position, fault: Fault)] = []
        if beginsWithByteOrderMark { result.append((Position(line: 1, column: 1), .byteOrderMark)) }
        if let nul { result.append((nul, .nulByte)) }
        for directive in directives where directive.hasQuotes {
            do throws(TokenError) {
                try checkQuotes(bytes.span.extracting(directive.content), quotes: quotes)
            } catch {
                let column = directive.content.lowerBound - directive.line.lowerBound + 1
                switch error {
                case .unterminatedQuote(let offset):
                    result.append((Position(line: directive.number, column: column + offset), .unterminatedQuote))
                case .textAfterQuote(let offset):
                    result.append((Position(line: directive.number, column: column + offset), .textAfterQuote))
                }
            }
        }
        return result.sorted { $0.position < $1.position }
    }

    /// Indices of the directives of one name that are still there.
    func indices(of name: DirectiveName) -> [Int] {
        var result: [Int] = []
        for index in directives.indices where directives[index].fingerprint == name.fingerprint {
            if let edit = edit(of: index), edit.replacement == nil { continue }
            if entry(index)?.name == name { result.append(index) }
        }
        return result
    }

    /// The directive at an index; nil where its line is malformed.
    func entry(_ index: Int) -> Entry? {
        let directive = directives[index]
        guard let tokens = try? splitArguments(bytes.span.extracting(directive.content), quotes: quotes),
            let name = tokens.first
        else { return nil }
        return Entry(
            name: DirectiveName(String(decoding: name.bytes, as: UTF8.self)), spelling: name.bytes,
            arguments: Array(tokens.dropFirst()),
            position: Position(
                line: directive.number, column: directive.content.lowerBound - directive.line.lowerBound + 1),
            index: index)
    }
}
