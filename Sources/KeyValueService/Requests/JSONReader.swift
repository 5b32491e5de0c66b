import HTTPWire
import Telemetry

/// Reads one JSON text (RFC 8259) strictly, over bytes: no duplicate names, no lone surrogates, no trailing commas, UTF-8
/// only, a bounded depth.
struct JSONReader: ~Escapable {
    /// How deep objects and arrays may nest.
    static let maximumDepth = 64
    /// How many members an object may have whose names are looked at.
    static let maximumMembers = 64

    private let bytes: Span<UInt8>
    private var index = 0
    private var depth = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    /// The byte that comes next; `nil` at the end.
    var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// Reads the whole text as one object; nothing but white space may follow it.
    ///
    /// - Parameters:
    ///   - example: an object that is fine, for who sent something else.
    ///   - member: called with each decoded name; it has to read or skip the value.
    mutating func readWhole(
        like example: StaticString, _ member: (_ name: [UInt8], _ reader: inout JSONReader) throws(Problem) -> Void
    ) throws(Problem) {
        guard bytes.isUTF8 else { throw .invalidJSON("it is not UTF-8") }
        skipWhiteSpace()
        guard peek == UInt8(ascii: "{") else { throw unexpected("an object such as \(example)") }
        try readObject(member)
        skipWhiteSpace()
        guard peek == nil else { throw unexpected("the end") }
    }

    /// Reads the object that comes next, in which every name may occur once.
    ///
    /// - Parameter member: called with each decoded name; it has to read or skip the value.
    mutating func readObject(
        _ member: (_ name: [UInt8], _ reader: inout JSONReader) throws(Problem) -> Void
    ) throws(Problem) {
        guard peek == UInt8(ascii: "{") else { throw unexpected("an object") }
        var names: [[UInt8]] = []
        try readMembers { name, reader throws(Problem) in
            guard !names.contains(name) else { throw .invalidJSON("a name occurs twice") }
            guard names.count < Self.maximumMembers else {
                throw .invalidJSON("it has more than \(Self.maximumMembers) members")
            }
            names.append(name)
            try member(name, &reader)
        }
    }

    /// Reads the array that comes next.
    ///
    /// - Parameter element: called where each element begins; it has to read or skip it.
    mutating func readArray(_ element: (_ reader: inout JSONReader) throws(Problem) -> Void) throws(Problem) {
        guard peek == UInt8(ascii: "[") else { throw unexpected("an array") }
        try descend()
        index += 1
        skipWhiteSpace()
        if take(UInt8(ascii: "]")) {
            depth -= 1
            return
        }
        repeat {
            skipWhiteSpace()
            try element(&self)
            skipWhiteSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw unexpected("',' or ']'") }
        depth -= 1
    }

    /// Reads `true` or `false`; `nil`, and nothing read, where something else comes next.
    mutating func readBoolean() throws(Problem) -> Bool? {
        switch peek {
        case UInt8(ascii: "t"): try skip("true")
        case UInt8(ascii: "f"): try skip("false")
        default: return nil
        }
        // "true" or "false".
        return bytes[index - 2] == UInt8(ascii: "u")
    }

    /// Reads past one value of any kind.
    mutating func skipValue() throws(Problem) {
        guard let byte = peek else { throw unexpected("a value") }
        switch byte {
        case UInt8(ascii: "\""): _ = try readString()
        case UInt8(ascii: "{"): try readMembers { _, reader throws(Problem) in try reader.skipValue() }
        case UInt8(ascii: "["): try readArray { reader throws(Problem) in try reader.skipValue() }
        case UInt8(ascii: "t"): try skip("true")
        case UInt8(ascii: "f"): try skip("false")
        case UInt8(ascii: "n"): try skip("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
        default: throw unexpected("a value")
        }
    }

    private mutating func readMembers(
        _ member: (_ name: [UInt8], _ reader: inout JSONReader) throws(Problem) -> Void
    ) throws(Problem) {
        try descend()
        index += 1
        skipWhiteSpace()
        if take(UInt8(ascii: "}")) {
            depth -= 1
            return
        }
        repeat {
            skipWhiteSpace()
            guard peek == UInt8(ascii: "\"") else { throw unexpected("a member's name") }
            let name = try readString()
            skipWhiteSpace()
            guard take(UInt8(ascii: ":")) else { throw unexpected("':'") }
            skipWhiteSpace()
            try member(name, &self)
            skipWhiteSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw unexpected("',' or '}'") }
        depth -= 1
    }

    private mutating func skipNumber() throws(Problem) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try skipDigits() }
        if take(UInt8(ascii: ".")) { try skipDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(Problem) {
        let start = index
        while let byte = peek, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { index += 1 }
        guard index > start else { throw unexpected("a digit") }
    }

    private mutating func skip(_ word: StaticString) throws(Problem) {
        for position in 0..<word.utf8CodeUnitCount {
            guard take(unsafe word.utf8Start[position]) else { throw unexpected("'\(word)'") }
        }
    }

    private mutating func descend() throws(Problem) {
        depth += 1
        guard depth <= Self.maximumDepth else { throw .invalidJSON("it nests deeper than \(Self.maximumDepth)") }
    }
}

// MARK: - Strings

extension JSONReader {
    /// Reads a string, the opening quote included, and decodes its escapes.
    mutating func readString() throws(Problem) -> [UInt8] {
        index += 1
        var text: [UInt8] = []
        while true {
            let start = index
            while index < bytes.count, !Self.endsRun(bytes[index]) { index += 1 }
            if start < index {
                unsafe bytes.extracting(start..<index).withUnsafeBufferPointer { unsafe text.append(contentsOf: $0) }
            }
            guard let byte = peek else { throw .invalidJSON("it ends within a string") }
            guard byte >= 0x20 else {
                throw .invalidJSON("a control character at byte \(index) has to be escaped as \\u00…")
            }
            index += 1
            if byte == UInt8(ascii: "\"") { return text }
            try readEscape(into: &text)
        }
    }

    private static func endsRun(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// What follows a backslash.
    private mutating func readEscape(into text: inout [UInt8]) throws(Problem) {
        guard let byte = peek else { throw .invalidJSON("it ends within a string") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try readScalar()
            if scalar.isASCII {
                text.append(UInt8(scalar.value))
            } else {
                text.append(contentsOf: UTF8.encode(scalar)!)
            }
        default: throw .invalidJSON("the escape at byte \(index - 2) is unknown")
        }
    }

    /// The digits after `\u`, and the second half of a surrogate pair.
    private mutating func readScalar() throws(Problem) -> Unicode.Scalar {
        let start = index - 2
        let first = try readFourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let second = try readFourDigits()
            if 0xDC00...0xDFFF ~= second,
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                return scalar
            }
        }
        throw .invalidJSON("the escape at byte \(start) is half of a surrogate pair")
    }

    private mutating func readFourDigits() throws(Problem) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = byte.hexadecimalValue else { throw unexpected("a hexadecimal digit") }
            number = number << 4 | UInt32(digit)
            index += 1
        }
        return number
    }
}

// MARK: - Bytes

extension JSONReader {
    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipWhiteSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private func unexpected(_ expected: String) -> Problem {
        .invalidJSON(
            peek == nil ? "it ends where \(expected) is expected" : "at byte \(index), \(expected) is expected")
    }
}
