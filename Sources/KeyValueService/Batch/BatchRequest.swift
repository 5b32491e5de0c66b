import HTTPWire

/// The body of `POST /v1/batch`: `{"operations":[{"get":"a"},{"set":"b","value":"x"},{"delete":"c"}]}`.
///
/// Every member is checked: a member with an unknown name may be a condition that the client relies on.
struct BatchRequest: Equatable {
    static let sizes = 1...1000

    private(set) var operations: [BatchOperation] = []

    var hasWrites: Bool { operations.contains { $0.isWrite } }

    /// - Throws: ``Problem/invalidJSON(_:)``, ``Problem/missingMember(_:)``, ``Problem/memberNotText(_:)``,
    ///   ``Problem/unknownMember``, ``Problem/invalidOperation(place:reason:)``, ``Problem/batchSize(_:)``,
    ///   ``Problem/emptyKey``, ``Problem/invalidDuration(_:_:)``.
    init(parsing body: Span<UInt8>) throws(Problem) {
        var reader = JSONReader(body)
        var operations: [BatchOperation]?
        try reader.readWhole(like: #"{"operations":[{"get":"a"}]}"#) { name, reader throws(Problem) in
            guard name.span.equals("operations") else { throw .unknownMember }
            operations = try Self.operations(from: &reader)
        }
        guard let operations else { throw .missingMember("operations") }
        guard !operations.isEmpty else { throw .batchSize(Self.sizes) }
        self.operations = operations
    }

    private static func operations(from reader: inout JSONReader) throws(Problem) -> [BatchOperation] {
        var operations: [BatchOperation] = []
        try reader.readArray { reader throws(Problem) in
            guard operations.count < sizes.upperBound else { throw .batchSize(sizes) }
            var draft = BatchDraft(place: operations.count)
            try reader.readObject { name, reader throws(Problem) in try draft.read(name, from: &reader) }
            operations.append(try draft.finished())
        }
        return operations
    }
}

/// One operation, as far as its members are read.
private struct BatchDraft {
    private enum Verb {
        case get, set, delete
    }

    /// From 0.
    let place: Int
    private var verb: Verb?
    private var key: [UInt8] = []
    private var value: [UInt8]?
    private var timeToLive: Int64?
    private var ifAbsent: Bool?

    init(place: Int) { self.place = place }

    mutating func read(_ name: [UInt8], from reader: inout JSONReader) throws(Problem) {
        let name = name.span
        if name.equals("get") {
            try take(.get, key: reader.readMemberText("get"))
        } else if name.equals("get_base64") {
            try take(.get, key: decode(reader.readMemberText("get_base64")))
        } else if name.equals("set") {
            try take(.set, key: reader.readMemberText("set"))
        } else if name.equals("set_base64") {
            try take(.set, key: decode(reader.readMemberText("set_base64")))
        } else if name.equals("delete") {
            try take(.delete, key: reader.readMemberText("delete"))
        } else if name.equals("delete_base64") {
            try take(.delete, key: decode(reader.readMemberText("delete_base64")))
        } else if name.equals("value") {
            try take(value: reader.readMemberText("value"))
        } else if name.equals("value_base64") {
            try take(value: decode(reader.readMemberText("value_base64")))
        } else if name.equals("ttl") {
            let text = try reader.readMemberText("ttl")
            timeToLive = try DurationText.milliseconds(text.span, of: "ttl", in: .timeToLive)
        } else if name.equals("if_absent") {
            guard let flag = try reader.readBoolean() else { throw invalid("if_absent has to be true or false") }
            ifAbsent = flag
        } else {
            throw .unknownMember
        }
    }

    private mutating func take(_ verb: Verb, key: [UInt8]) throws(Problem) {
        guard self.verb == nil else { throw invalid("it names more than one key") }
        guard !key.isEmpty else { throw .emptyKey }
        self.verb = verb
        self.key = key
    }

    private mutating func take(value: [UInt8]) throws(Problem) {
        guard self.value == nil else { throw invalid("it has both value and value_base64") }
        self.value = value
    }

    private func decode(_ text: [UInt8]) throws(Problem) -> [UInt8] {
        guard let bytes = Base64.decode(text.span) else { throw invalid("a member is not Base64 with its padding") }
        return bytes
    }

    func finished() throws(Problem) -> BatchOperation {
        switch verb {
        case .set:
            guard let value else { throw invalid("it sets a key and has no value") }
            return .set(key: key, value: value, timeToLive: timeToLive, ifAbsent: ifAbsent ?? false)
        case .get, .delete:
            guard value == nil, timeToLive == nil, ifAbsent == nil else {
                throw invalid("only a set has a value, a ttl or if_absent")
            }
            return verb == .get ? .get(key: key) : .delete(key: key)
        case nil: throw invalid("it has none of get, set and delete")
        }
    }

    private func invalid(_ reason: StaticText) -> Problem { .invalidOperation(place: place, reason: reason) }
}
