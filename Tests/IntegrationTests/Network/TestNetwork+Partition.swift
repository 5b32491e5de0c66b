/// Partitions: packets vanish on the switch, as on a cut cable. No program is notified, connections stay open and wait.
extension TestNetwork {
    /// Cuts a host off from all others.
    func cut(_ host: Host) async throws { try await change("add", "severed", host.ports) }

    /// Undoes ``cut(_:)``.
    func heal(_ host: Host) async throws { try await change("delete", "severed", host.ports) }

    /// Cuts two hosts of a segment off from each other; others reach both.
    func cut(_ host: Host, from other: Host) async throws { try await change("add", "parted", pairs(host, other)) }

    /// Undoes ``cut(_:from:)``.
    func heal(_ host: Host, to other: Host) async throws { try await change("delete", "parted", pairs(host, other)) }

    /// What the switches drop: what comes from or goes to a severed port, what goes between parted ones, and what is for the
    /// switch itself. ARP passes, so that a connect waits instead of finding no host. The priority is that of filters, before the
    /// kernel's br_netfilter: behind that, which has 0, packets do not come by where a bridge was made after the rules.
    static let partitionRules = """
        add table bridge partition
        add set bridge partition severed { type ifname; }
        add set bridge partition parted { type ifname . ifname; }
        add chain bridge partition forward { type filter hook forward priority filter; }
        add rule bridge partition forward ether type ip iifname @severed drop
        add rule bridge partition forward ether type ip oifname @severed drop
        add rule bridge partition forward ether type ip iifname . oifname @parted drop
        add chain bridge partition input { type filter hook input priority filter; }
        add rule bridge partition input ether type ip drop
        """

    private func pairs(_ host: Host, _ other: Host) -> [String] {
        host.ports.flatMap { port in other.ports.flatMap { ["\(port) . \($0)", "\($0) . \(port)"] } }
    }

    private func change(_ verb: String, _ set: String, _ elements: [String]) async throws {
        let list = elements.joined(separator: ", ")
        try await NetworkTools.nft("\(verb) element bridge partition \(set) { \(list) }", in: switches)
    }
}
