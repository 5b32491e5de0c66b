import RedisCore

/// One spelling for every address and name, so that two of them can be compared.
extension Address {
    /// An IPv4 address as it is, also one that is mapped into IPv6 (`::ffff:10.0.0.1`); IPv6 as `inet_ntop` writes it;
    /// a name in lower case, without the dot that ends an absolute one.
    static func canonical(_ text: [UInt8]) -> [UInt8] {
        if isPlainIPv4(text) { return text }
        let bare = withoutBrackets(text)
        if let groups = HostForm.groups(bare) {
            if groups.prefix(5).allSatisfy({ $0 == 0 }), groups[5] == 0xFFFF { return dotted(groups[6], groups[7]) }
            return written(groups) + bare.drop { $0 != UInt8(ascii: "%") }
        }
        if isIPv4(bare) {
            let parts = bare.split(separator: UInt8(ascii: ".")).compactMap { number(Array($0)) }
            return utf8(parts.map(String.init).joined(separator: "."))
        }
        let name = bare.last == UInt8(ascii: ".") ? bare.dropLast() : bare[...]
        return name.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 | 0x20 : $0 }
    }

    /// Whether both are one address or one name.
    static func areSame(_ left: [UInt8], _ right: [UInt8]) -> Bool { canonical(left) == canonical(right) }

    /// Whether a connection there ends at this machine: `0.0.0.0` and `::` do, on Linux.
    static func isThisMachine(_ text: [UInt8]) -> Bool {
        if isLoopback(text) { return true }
        let address = canonical(text)
        return address == utf8("0.0.0.0") || address == utf8("::")
    }

    /// Four numbers as they are written without a doubt: the usual case, and told without taking the text apart.
    private static func isPlainIPv4(_ text: [UInt8]) -> Bool {
        var parts = 1
        var digits = 0
        var value = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                // A zero in front may be meant in octal.
                if digits > 0, value == 0 { return false }
                digits += 1
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
                if value > 255 { return false }
            case UInt8(ascii: "."):
                if digits == 0 { return false }
                parts += 1
                digits = 0
                value = 0
            default: return false
            }
        }
        return parts == 4 && digits > 0
    }

    /// The longest run of at least two zero groups becomes `::`.
    private static func written(_ groups: [UInt16]) -> [UInt8] {
        var gap = 0..<0
        var start = 0
        while start < 8 {
            let end = groups[start...].firstIndex { $0 != 0 } ?? 8
            if end - start > max(1, gap.count) { gap = start..<end }
            start = end + 1
        }
        func joined(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if gap.isEmpty { return utf8(joined(groups[...])) }
        return utf8(joined(groups[..<gap.lowerBound]) + "::" + joined(groups[gap.upperBound...]))
    }

    private static func dotted(_ high: UInt16, _ low: UInt16) -> [UInt8] {
        utf8("\(high >> 8).\(high & 0xFF).\(low >> 8).\(low & 0xFF)")
    }
}
