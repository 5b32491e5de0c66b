/// The forms of an address that redis.conf takes.
enum Address {
    /// Whether this may name a host: an IPv4 or IPv6 literal or a DNS name. Never a URL, a port or a blank.
    static func isHost(_ text: [UInt8]) -> Bool {
        if isIPv6(text) { return true }
        guard !text.isEmpty, text.count <= 253 else { return false }
        return text.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        } && text[0] != UInt8(ascii: "-")
    }

    static func isIPv4(_ text: [UInt8]) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { $0.count <= 3 && number(Array($0)).map { $0 <= 255 } == true }
    }

    /// Hexadecimal groups with at most one `::`, an IPv4 tail and a `%zone`; enough to tell it from a name.
    static func isIPv6(_ text: [UInt8]) -> Bool {
        let address = text.prefix { $0 != UInt8(ascii: "%") }
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

    static func isIP(_ text: [UInt8]) -> Bool { isIPv4(text) || isIPv6(text) }

    /// An IPv6 literal out of its brackets, anything else as it is.
    static func withoutBrackets(_ text: [UInt8]) -> [UInt8] {
        text.first == UInt8(ascii: "[") && text.last == UInt8(ascii: "]") ? Array(text.dropFirst().dropLast()) : text
    }

    /// A TCP port, 1 to 65535.
    static func port(_ text: [UInt8]) -> Int? { number(text).flatMap { (1...65535).contains($0) ? $0 : nil } }

    /// `tcp://…`: what Kubernetes puts into `<SERVICE>_PORT` of every Service.
    static func isServiceLink(_ text: [UInt8]) -> Bool {
        text.starts(with: "tcp://".utf8) || text.starts(with: "udp://".utf8)
    }

    /// Whether only this machine is reached there.
    static func isLoopback(_ text: [UInt8]) -> Bool {
        let address = text.first == UInt8(ascii: "-") ? Array(text.dropFirst()) : text
        return address == utf8("::1") || equalsIgnoringCase(address, "localhost")
            || (isIPv4(address) && address.starts(with: "127.".utf8))
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
