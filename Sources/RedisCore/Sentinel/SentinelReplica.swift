/// A replica as one Sentinel lists it (`SENTINEL REPLICAS name`).
package enum SentinelReplica {
    /// As many healthy ones of one Sentinel's list are used.
    package static let maximumReplicas = 64

    package static func command(for masterName: String) -> [String] { ["SENTINEL", "REPLICAS", masterName] }

    /// Where the healthy ones are: those that the Sentinel reaches. It never forgets one that is gone.
    ///
    /// - Parameter list: of each, names and values in turns.
    package static func healthy(_ list: [[String]]) -> [MasterAddress] {
        var found: [MasterAddress] = []
        for fields in list {
            if found.count == maximumReplicas { break }
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
            else { continue }
            let address = MasterAddress(host: host, port: port)
            if !found.contains(where: { $0.isSame(as: address) }) { found.append(address) }
        }
        return found
    }
}
