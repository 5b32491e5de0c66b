import RedisCore

/// Where one server listens: a host name or an address, and a port.
public struct RedisEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name is resolved again at every connect, so that it may move.
    public var host: String
    /// 1…65535.
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`, an IPv6 address in brackets.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension RedisEndpoint {
    /// Reads `host`, `host:port`, `[v6]:port` or a bare IPv6 address.
    ///
    /// - Parameter defaultPort: taken where the text names none.
    /// - Returns: `nil` where the host is no name and no address, or its port is not in 1…65535.
    public init?(parsing text: some StringProtocol, defaultPort: Int) {
        var host = text[...]
        var port = defaultPort
        if text.first == "[" {
            guard let close = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            if !rest.isEmpty {
                guard rest.first == ":", let number = Self.port(rest.dropFirst()) else { return nil }
                port = number
            }
        } else if let colon = text.firstIndex(of: ":"), colon == text.lastIndex(of: ":") {
            guard let number = Self.port(text[text.index(after: colon)...]) else { return nil }
            host = text[..<colon]
            port = number
        }
        guard HostForm.isHost(Array(host.utf8)), 1...65535 ~= port else { return nil }
        self.init(host: String(host), port: port)
    }

    /// A port in decimal digits, 1…65535; nothing else, not even a sign.
    public static func port(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let port = Int(text),
            1...65535 ~= port
        else { return nil }
        return port
    }
}
