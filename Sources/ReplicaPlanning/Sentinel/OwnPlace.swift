import RedisConf

/// Where others reach this server, as far as environment and configuration say it.
package struct OwnPlace: Equatable, Sendable {
    /// Ports that it listens at or announces.
    package var ports: [Int] = []
    /// The announced address where it has a port of its own, as behind published ports: that pair leads to this server, and
    /// neither the address with the listening port nor the port with another name does.
    var announced: Announced?
    /// Addresses and names in their canonical spelling: of the pod, announced, and of the host.
    var names: [[UInt8]] = []
    /// `POD_NAME`. A pod of a StatefulSet has names under its Service: redis-0.redis-nodes.
    var pod: [UInt8]?
    /// The arguments of `bind`.
    package var bind: [[UInt8]] = []
    /// `POD_IP`, and the port that others reach it at.
    package var peer: GuardSettings.Peer?

    /// `POD_NAMESPACE`.
    var namespace: [UInt8]?

    struct Announced: Equatable, Sendable {
        var name: [UInt8]
        var port: Int
    }

    /// Whether this is the server's own address or name.
    package func contains(_ host: [UInt8], _ port: Int) -> Bool {
        let host = Address.canonical(host)
        if let announced, host == announced.name, port == announced.port { return true }
        guard ports.contains(port) else { return false }
        if names.contains(host) { return true }
        if let pod, isName(host, of: pod) { return true }
        guard Address.isThisMachine(host) else { return false }
        return bind.contains { address in
            let address = address.first == UInt8(ascii: "-") ? Array(address.dropFirst()) : address
            return !Address.isLoopback(host) || Address.canonical(address) == host || !Address.isLoopback(address)
        }
    }

    /// `redis-0`, `redis-0.redis-nodes`, or with a namespace, `redis-0.redis-nodes.here.svc.cluster.local`: with this one's,
    /// where that is known.
    private func isName(_ host: [UInt8], of pod: [UInt8]) -> Bool {
        let parts = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.first.map(Array.init) == pod else { return false }
        guard parts.count > 2, let namespace else { return true }
        return Array(parts[2]) == namespace
    }
}

extension Planner {
    var ownPlace: OwnPlace {
        var place = OwnPlace()
        var listening = ["port", "tls-port"].compactMap { scalar($0).flatMap(number) }
        let announcedName = scalar("replica-announce-ip").map(Address.canonical)
        var otherNames = [environment["POD_IP"], identity.hostname].compactMap(\.self).map(Address.canonical)
        if let port = scalar("replica-announce-port").flatMap(number), 1...65535 ~= port {
            if let name = announcedName, !otherNames.contains(name) {
                place.announced = .init(name: name, port: port)
            } else {
                listening.append(port)
            }
        }
        if let announcedName, place.announced == nil { otherNames.append(announcedName) }
        place.ports = ([ownPort].compactMap(\.self) + listening).filter { 1...65535 ~= $0 }
        if scalar("port") == nil { place.ports.append(6379) }
        place.names = otherNames.filter { !$0.isEmpty }
        place.namespace = environment["POD_NAMESPACE"].map(Address.canonical)
        place.pod = environment["POD_NAME"].map(Address.canonical)
        place.bind = value("bind") ?? []
        place.peer = environment["POD_IP"].map { .init(host: Address.canonical($0), port: ownPort ?? 6379) }
        return place
    }
}
