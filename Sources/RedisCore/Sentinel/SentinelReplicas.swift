/// The replicas that one Sentinel lists (`SENTINEL REPLICAS name`), taken one after the other and within bounds: it never
/// forgets one that is gone, so that its list may grow for ever.
package struct SentinelReplicas: Equatable, Sendable {
    /// As many healthy ones of one Sentinel's list are used.
    package static let maximumHealthy = 64
    /// As many are looked at, healthy or not.
    package static let maximumListed = 4096

    /// What the list went beyond: the rest of it is not used.
    package enum Bound: Equatable, Sendable {
        /// More are listed.
        case listed(Int)
        /// More are healthy.
        case healthy(Int)
        /// All of it has more bytes.
        case bytes(Int)
    }

    /// Where those are that the Sentinel reaches.
    package private(set) var healthy: [MasterAddress] = []
    package private(set) var bound: Bound?
    private var listed = 0

    package init() {}

    package static func command(for masterName: String) -> [String] { ["SENTINEL", "REPLICAS", masterName] }

    /// Nothing more is taken.
    package mutating func end(at bound: Bound) { self.bound = self.bound ?? bound }

    /// - Parameter fields: of one replica: names and values in turns.
    package mutating func take(_ fields: [String]) {
        guard bound == nil else { return }
        guard listed < Self.maximumListed else { return end(at: .listed(Self.maximumListed)) }
        listed += 1
        guard let address = Self.healthy(fields), !healthy.contains(where: { $0.isSame(as: address) }) else { return }
        guard healthy.count < Self.maximumHealthy else { return end(at: .healthy(Self.maximumHealthy)) }
        healthy.append(address)
    }

    private static func healthy(_ fields: [String]) -> MasterAddress? {
        var host: String?
        var port: Int?
        var flags: [Substring] = []
        var index = 0
        while index + 1 < fields.count {
            switch fields[index] {
            case "ip": host = fields[index + 1]
            case "port": port = Int(fields[index + 1])
            case "flags": flags = fields[index + 1].split(separator: ",")
            default: break
            }
            index += 2
        }
        guard let host, HostForm.isHost(Array(host.utf8)), let port, 1...65535 ~= port, flags.contains("slave"),
            !flags.contains(where: { ["s_down", "o_down", "disconnected"].contains($0) })
        else { return nil }
        return MasterAddress(host: host, port: port)
    }
}

extension SentinelReplicas.Bound: CustomStringConvertible {
    /// Goes on from the Sentinel's address.
    package var description: String {
        switch self {
        case .listed(let count):
            "lists more than \(count) replicas, and the rest is not used: SENTINEL RESET has it forget those that are gone"
        case .healthy(let count): "lists more than \(count) healthy replicas: reads go to the first \(count) of them"
        case .bytes(let count):
            """
            lists its replicas in more than \(count) bytes, and the rest is not used: SENTINEL RESET has it forget those that \
            are gone
            """
        }
    }
}
