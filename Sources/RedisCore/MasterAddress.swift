/// Where a master is said to be, as a `replicaof` line has it: a name or an address, and a port.
public struct MasterAddress: Equatable, Hashable, Sendable {
    /// A host name, or an IPv4 or IPv6 address without brackets. Never resolved: a name stays a name.
    public var host: String
    /// 1…65535.
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads the two words of a `replicaof` line.
    ///
    /// - Returns: `nil` where the port is not in 1…65535, or the host is empty or holds what no host holds.
    public init?(host: Substring, port: Substring) {
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") }),
            !port.isEmpty, port.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let number = Int(port), 1...65535 ~= number
        else { return nil }
        self.init(host: String(host), port: number)
    }
}

extension MasterAddress {
    /// Whether Redis would call it the same: names are compared without regard to case.
    package func isSame(as other: MasterAddress) -> Bool {
        port == other.port && (host == other.host || host.lowercased() == other.host.lowercased())
    }
}

extension MasterAddress: CustomStringConvertible {
    /// `redis-master:6379`, an IPv6 address in brackets. A server may say any host: it is shown as a log can hold it.
    public var description: String {
        let host = ReplicationInfo.word(host)
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
