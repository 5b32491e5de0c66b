import RedisCore

/// The forms of an address that redis.conf takes.
enum Address {
    /// Whether this may name a host: an IPv4 or IPv6 literal or a DNS name. Never a URL, a port, a blank or a quote.
    static func isHost(_ text: [UInt8]) -> Bool { HostForm.isHost(text) }

    static func isIPv4(_ text: [UInt8]) -> Bool { HostForm.isIPv4(text) }

    /// Eight hexadecimal groups or fewer with one `::`, perhaps with an IPv4 tail and a `%zone`, which is an interface's name.
    static func isIPv6(_ text: [UInt8]) -> Bool { HostForm.isIPv6(text) }

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
        let address = canonical(text.first == UInt8(ascii: "-") ? Array(text.dropFirst()) : text)
        return ["::1", "localhost", "localhost.localdomain", "ip6-localhost"].contains { utf8($0) == address }
            || (isIPv4(address) && address.starts(with: "127.".utf8))
    }
}
