extension Span<UInt8> {
    /// Whether the bytes are the text.
    @inlinable
    public func equals(_ text: StaticString) -> Bool { count == text.utf8CodeUnitCount && starts(with: text) }

    /// Whether the first bytes are the text.
    @inlinable
    public func starts(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Whether the bytes equal the text, ignoring case.
    ///
    /// - Parameter text: as ``startsIgnoringCase(with:)`` has it.
    @inlinable
    public func equalsIgnoringCase(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && startsIgnoringCase(with: text)
    }

    /// Whether the first bytes equal the text, ignoring case.
    ///
    /// - Parameter text: small letters, digits, and ASCII's punctuation before `@`.
    @inlinable
    public func startsIgnoringCase(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount {
            let character = unsafe text.utf8Start[index]
            // The bit of small letters, where the text has a letter: nothing else of such a text has 0x40.
            guard self[index] | (character >> 1 & 0x20) == character else { return false }
        }
        return true
    }
}

extension UInt8 {
    /// What it is worth as a hexadecimal digit in ASCII, 0…15; `nil` for any other byte.
    @inlinable
    public var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
