/// What may name a host: the one check of every program for a host that it was given.
package enum HostForm {
    /// Whether this may name a host: an IPv4 or IPv6 literal or a DNS name. Never a URL, a port, a blank or a quote.
    package static func isHost(_ text: [UInt8]) -> Bool {
        if isIPv6(text) { return true }
        guard !text.isEmpty, text.count <= 253 else { return false }
        return text.allSatisfy(isNameByte) && text[0] != UInt8(ascii: "-")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    package static func isIPv4(_ text: [UInt8]) -> Bool { numbers(text) != nil }

    /// The four numbers of an IPv4 address.
    private static func numbers(_ text: some Collection<UInt8>) -> [UInt16]? {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var numbers: [UInt16] = []
        for part in parts {
            guard 1...3 ~= part.count, part.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
                return nil
            }
            let number = part.reduce(0) { $0 * 10 + UInt16($1 - UInt8(ascii: "0")) }
            guard number <= 255 else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// Eight hexadecimal groups or fewer with one `::`, perhaps with an IPv4 tail and a `%zone`, which is an interface's name.
    package static func isIPv6(_ text: [UInt8]) -> Bool { groups(text) != nil }

    /// Enough to tell it from a name.
    package static func looksLikeIPv6(_ text: [UInt8]) -> Bool {
        let address = text.prefix { $0 != UInt8(ascii: "%") }
        if address.count < text.count {
            let zone = text[(address.endIndex + 1)...]
            guard !zone.isEmpty, zone.count <= 15, zone.allSatisfy(isNameByte) else { return false }
        }
        guard address.count >= 2, address.count(where: { $0 == UInt8(ascii: ":") }) >= 2 else { return false }
        let groups = address.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard groups.count <= 9 else { return false }
        for (index, group) in groups.enumerated() where !group.isEmpty {
            let isTail = index == groups.count - 1
            if isTail, isIPv4(Array(group)) { continue }
            guard group.count <= 4, group.allSatisfy(isHexDigit) else { return false }
        }
        let hasGap = zip(address, address.dropFirst()).contains { $0 == UInt8(ascii: ":") && $1 == $0 }
        return hasGap || groups.count >= 7
    }

    /// The eight groups of an IPv6 literal; nil for anything else.
    package static func groups(_ text: [UInt8]) -> [UInt16]? {
        guard looksLikeIPv6(text) else { return nil }
        let colon = UInt8(ascii: ":")
        var parts = text.prefix { $0 != UInt8(ascii: "%") }
            .split(separator: colon, omittingEmptySubsequences: false).map { Array($0) }
        // One colon alone at an end is a typing error.
        if parts.first == [] { if parts.removeFirst() != parts.first { return nil } }
        if parts.last == [] { if parts.removeLast() != parts.last { return nil } }
        var found: [UInt16] = []
        var gap: Int?
        for part in parts {
            if part.isEmpty {
                if gap != nil { return nil }
                gap = found.count
            } else if let bytes = numbers(part) {
                found += [bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]]
            } else {
                guard let value = UInt16(String(decoding: part, as: UTF8.self), radix: 16) else { return nil }
                found.append(value)
            }
        }
        guard found.count <= 8, gap != nil || found.count == 8 else { return nil }
        if let gap { found.insert(contentsOf: [UInt16](repeating: 0, count: 8 - found.count), at: gap) }
        return found
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
