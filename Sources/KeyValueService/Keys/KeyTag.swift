import HTTPWire

/// The strong entity tag of a value (RFC 9110 §8.8.3): equal values have equal tags, whichever app answers, whichever
/// server it asked, and across restarts.
///
/// On the wire it is 32 lowercase hexadecimal digits in quotes.
struct KeyTag: Equatable, Sendable {
    /// How many digits it has.
    static let digits = 32

    /// The bytes 0…7 and 8…15, each the lowest first.
    private let first: UInt64
    private let second: UInt64

    /// The bytes `redis-replicakit`. No secret: it only has to be the same everywhere.
    fileprivate static var key: (UInt64, UInt64) { (0x6572_2d73_6964_6572, 0x7469_6b61_6369_6c70) }

    init(of value: Span<UInt8>) { (first, second) = SipHash.hash(value, key: Self.key) }

    /// Of a value that comes in pieces.
    struct Hasher {
        private var state = SipHash(key: KeyTag.key)

        mutating func take(_ piece: Span<UInt8>) { state.take(piece) }

        consuming func finished() -> KeyTag { KeyTag(state.finished()) }
    }

    private init(_ words: (UInt64, UInt64)) { (first, second) = words }

    /// Reads the digits, without the quotes.
    ///
    /// - Returns: `nil` where they are not 32 lowercase hexadecimal digits: no value has such a tag.
    init?(parsing text: Span<UInt8>) {
        guard text.count == Self.digits else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for index in 0..<16 {
            guard let high = Self.value(of: text[index * 2]), let low = Self.value(of: text[index * 2 + 1]) else {
                return nil
            }
            let byte = UInt64(high << 4 | low) << UInt64(index % 8 * 8)
            if index < 8 { words.0 |= byte } else { words.1 |= byte }
        }
        (first, second) = words
    }

    private static func value(of digit: UInt8) -> UInt8? {
        UInt8(ascii: "A")...UInt8(ascii: "F") ~= digit ? nil : digit.hexadecimalValue
    }

    /// Appends the digits.
    func write(to output: inout OutputRawSpan) {
        Self.write(first, to: &output)
        Self.write(second, to: &output)
    }

    private static func write(_ word: UInt64, to output: inout OutputRawSpan) {
        unsafe output.append(
            UInt64(hexadecimalDigitsOf: UInt32(truncatingIfNeeded: word)).littleEndian, as: UInt64.self)
        unsafe output.append(
            UInt64(hexadecimalDigitsOf: UInt32(truncatingIfNeeded: word >> 32)).littleEndian, as: UInt64.self)
    }
}

extension KeyTag {
    /// The 16 bytes that the digits stand for.
    var bytes: [UInt8] {
        [first, second].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
    }

    /// The digits.
    var text: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(Self.digits)
        for half in [first, first >> 32, second, second >> 32] {
            let digits = UInt64(hexadecimalDigitsOf: UInt32(truncatingIfNeeded: half))
            for place in 0..<8 { text.append(UInt8(truncatingIfNeeded: digits >> UInt64(place * 8))) }
        }
        return text
    }
}
