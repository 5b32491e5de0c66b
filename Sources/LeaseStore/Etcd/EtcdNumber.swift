/// A 64-bit number, which the gateway writes as a string.
@propertyWrapper
struct EtcdNumber: Codable {
    var wrappedValue: Int64?

    init(wrappedValue: Int64?) { self.wrappedValue = wrappedValue }

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let number = Int64(text) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no number"))
        }
        wrappedValue = number
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue.map { String($0) })
    }
}

extension KeyedDecodingContainer {
    /// Left out: `nil`.
    func decode(_ type: EtcdNumber.Type, forKey key: Key) throws -> EtcdNumber {
        try decodeIfPresent(type, forKey: key) ?? EtcdNumber(wrappedValue: nil)
    }
}

extension KeyedEncodingContainer {
    mutating func encode(_ value: EtcdNumber, forKey key: Key) throws {
        guard value.wrappedValue != nil else { return }
        try encodeIfPresent(value, forKey: key)
    }
}
