import RedisCore

extension Planner {
    /// `REDIS_MASTER_NODES_HOST`: `host`, `host:port` or `[v6]:port`, separated by commas.
    ///
    /// In Kubernetes the headless Service `redis-master-nodes` is taken for granted beside the Service `redis-master`; a master
    /// of another name has none by that name.
    func masterNodes() -> [MasterAddress] { masterNodeItems().compactMap(\.address) }

    mutating func checkMasterNodes() {
        for item in masterNodeItems() where item.address == nil {
            report(.error, .malformedHost(item.text), at: .environment("REDIS_MASTER_NODES_HOST"))
        }
    }

    private func masterNodeItems() -> [(text: [UInt8], address: MasterAddress?)] {
        guard let master = configuredMaster?.address else { return [] }
        guard let list = environment["REDIS_MASTER_NODES_HOST"] ?? presetMasterNodes(master) else { return [] }
        return list.split(separator: UInt8(ascii: ",")).map { part in
            let item = Array(part.drop { $0 == UInt8(ascii: " ") })
            return (item, Self.address(item, defaultPort: master.port))
        }
    }

    private func presetMasterNodes(_ master: MasterAddress) -> [UInt8]? {
        guard environment["KUBERNETES_SERVICE_HOST"] != nil else { return nil }
        let isService =
            master.host == "redis-master" || master.host.hasPrefix("redis-master.")
            || environment["REDIS_MASTER_SERVICE_HOST"] == Array(master.host.utf8)
        return isService ? utf8("redis-master-nodes") : nil
    }

    private static func address(_ item: [UInt8], defaultPort: Int) -> MasterAddress? {
        var host = item
        var port: Int? = defaultPort
        if let colon = item.lastIndex(of: UInt8(ascii: ":")), !Address.isIPv6(item) {
            host = Array(item[..<colon])
            port = Address.port(Array(item[(colon + 1)...]))
        }
        host = Address.withoutBrackets(host)
        guard let port, Address.isHost(host) else { return nil }
        return MasterAddress(host: String(decoding: host, as: UTF8.self), port: port)
    }
}
