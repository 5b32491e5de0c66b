/// The body of `POST /set`: `{"key":"key_1","value":"value_1"}`.
///
/// Members of other names are ignored, as the original did; they must be JSON all the same.
struct SetRequest: Equatable {
    var key: [UInt8]
    var value: [UInt8]

    /// - Throws: ``Problem/invalidJSON(_:)``, ``Problem/missingMember(_:)``, ``Problem/memberNotText(_:)``,
    ///   ``Problem/emptyKey``.
    init(parsing body: Span<UInt8>) throws(Problem) {
        var reader = JSONReader(body)
        var key: [UInt8]?
        var value: [UInt8]?
        try reader.readWhole(like: #"{"key":"k","value":"v"}"#) { name, reader throws(Problem) in
            switch name {
            case Self.keyName: key = try reader.readMemberText("key")
            case Self.valueName: value = try reader.readMemberText("value")
            default: try reader.skipValue()
            }
        }
        guard let key else { throw .missingMember("key") }
        guard let value else { throw .missingMember("value") }
        guard !key.isEmpty else { throw .emptyKey }
        self.key = key
        self.value = value
    }

    private static let keyName = Array("key".utf8)
    private static let valueName = Array("value".utf8)
}

extension JSONReader {
    /// Reads a member's value, which has to be a string.
    mutating func readMemberText(_ name: StaticText) throws(Problem) -> [UInt8] {
        if let peek, peek != UInt8(ascii: "\"") { throw .memberNotText(name) }
        return try readString()
    }
}
