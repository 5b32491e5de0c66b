extension Document {
    /// Where a directive that is set has to stand.
    public enum Placement: Sendable {
        /// On the line that is in effect now; behind the last line where there is none.
        case whereEffective
        /// Behind the last line, because an included file would win over the lines there are.
        case atEnd
    }

    /// What ``set(_:to:spelled:placement:keepingEarlier:)`` did.
    public enum Outcome: Equatable, Sendable {
        case unchanged
        case replaced
        case appended
    }

    /// Makes a directive have these arguments once: replaces the line in effect where it stands, removes the lines it
    /// shadows (under any alias), and appends only where there is none.
    ///
    /// A line that already says so keeps its spelling, quotes and case: a second application changes no byte.
    /// - Parameters:
    ///   - spelling: the name to write where a line is written; the canonical one by default.
    ///   - keepingEarlier: shadowed lines stay, because each has its own effect: `dir` names the folder that the
    ///     relative includes behind it are read from. A line with such an include behind it is not changed either.
    @discardableResult
    public mutating func set(
        _ name: DirectiveName, to arguments: [[UInt8]], spelled spelling: String? = nil,
        placement: Placement = .whereEffective, keepingEarlier: Bool = false
    ) -> Outcome {
        let line = directiveLine(spelling ?? name.text, arguments)
        let present = indices(of: name)
        let pending = appended.firstIndex { $0.name == name }
        if placement == .whereEffective, pending == nil, let effective = present.last {
            if !keepingEarlier {
                for index in present.dropLast() { record(LineEdit(index: index, replacement: nil)) }
            }
            if edit(of: effective) == nil, entry(effective)?.values == arguments { return .unchanged }
            if !keepingEarlier || indices(of: "include").allSatisfy({ $0 < effective }) {
                record(LineEdit(index: effective, replacement: line))
                return .replaced
            }
        } else if !keepingEarlier {
            for index in present { record(LineEdit(index: index, replacement: nil)) }
        }
        let addition = Appended(name: name, arguments: arguments, line: line)
        if let pending { appended[pending] = addition } else { appended.append(addition) }
        return .appended
    }

    /// Gives one line other arguments, and leaves the others of its name alone: for a directive that accumulates.
    ///
    /// - Parameter entry: read from this document.
    public mutating func replace(_ entry: Entry, with arguments: [[UInt8]]) {
        record(LineEdit(index: entry.index, replacement: directiveLine(entry.name.text, arguments)))
    }

    /// Whether the line of an entry, read from this document, has been replaced or removed since.
    public func isChanged(_ entry: Entry) -> Bool { edit(of: entry.index) != nil }

    /// Adds a line of an accumulating directive, unless one with the same arguments is there.
    public mutating func add(_ name: DirectiveName, _ arguments: [[UInt8]]) {
        if appended.contains(where: { $0.name == name && $0.arguments == arguments }) { return }
        if indices(of: name).contains(where: { entry($0)?.values == arguments }) { return }
        appended.append(Appended(name: name, arguments: arguments, line: directiveLine(name.text, arguments)))
    }

    /// Removes every line of a directive, under any alias. Returns how many there were.
    @discardableResult
    public mutating func remove(_ name: DirectiveName) -> Int {
        let present = indices(of: name)
        for index in present { record(LineEdit(index: index, replacement: nil)) }
        appended.removeAll { $0.name == name }
        return present.count
    }

    /// Whether rendering would give other bytes than were read.
    package var isEdited: Bool { !appended.isEmpty || !edits.isEmpty }

    /// What happens to a directive's line, if anything.
    func edit(of index: Int) -> LineEdit? { edits.first { $0.index == index } }

    private mutating func record(_ edit: LineEdit) {
        if let place = edits.firstIndex(where: { $0.index >= edit.index }) {
            if edits[place].index == edit.index { edits[place] = edit } else { edits.insert(edit, at: place) }
        } else {
            edits.append(edit)
        }
    }

    /// The bytes, edits applied. New lines end as the last line there is does (LF or CRLF).
    public func rendered() -> [UInt8] {
        guard isEdited else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + appended.reduce(256) { $0 + $1.line.count + 2 })
        var copied = 0
        for edit in edits {
            let directive = directives[edit.index]
            let place = edit.replacement == nil ? directive.line : directive.content
            result += bytes[copied..<place.lowerBound]
            result += edit.replacement ?? []
            copied = place.upperBound
        }
        result += bytes[copied...]
        let ending = lineEnding
        if !appended.isEmpty, let last = result.last, last != Byte.newline { result += ending }
        for addition in appended {
            result += addition.line
            result += ending
        }
        return result
    }

    private var lineEnding: [UInt8] {
        guard let newline = bytes.lastIndex(of: Byte.newline), newline > 0, bytes[newline - 1] == Byte.carriageReturn
        else { return [Byte.newline] }
        return [Byte.carriageReturn, Byte.newline]
    }
}
