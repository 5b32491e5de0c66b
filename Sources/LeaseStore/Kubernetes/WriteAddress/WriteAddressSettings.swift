internal import Glibc
internal import RedisCore

/// Which Service leads to the leader, and where this pod is.
package struct WriteAddressSettings: Equatable, Sendable {
    /// Of the lease that counts the terms.
    package var lease: KubernetesSettings
    /// A Service without selector.
    package var service: String
    /// Of this pod: one of each family at most.
    package var addresses: [String]
    package var port: UInt16
    /// The name of the Service's port. Kubernetes matches both by name.
    package var portName: String
    package var pod: String
    package var podUID: String

    /// - Throws: with what is wrong, and the cure.
    package init(
        lease: KubernetesSettings, service: String, addresses: [String], port: UInt16, portName: String = "redis",
        pod: String, podUID: String
    ) throws(LeaseStoreSettingsError) {
        guard KubernetesSettings.isName(service, maximum: 63, dots: false) else {
            throw LeaseStoreSettingsError(
                "FAILOVER_SERVICE '\(printable(service.utf8, limit: 64))' is no name of a Service: "
                    + "give 1 to 63 of a-z, 0-9 and - between them")
        }
        guard !addresses.isEmpty else {
            throw LeaseStoreSettingsError(
                "the pod's own address is not known: set POD_IPS from the field status.podIPs (or POD_IP)")
        }
        var families: Set<AddressFamily> = []
        for address in addresses {
            guard let family = AddressFamily(of: address) else {
                throw LeaseStoreSettingsError(
                    "the pod's address '\(printable(address.utf8, limit: 64))' is none that Kubernetes takes for a "
                        + "Service: set POD_IPS from the field status.podIPs")
            }
            guard families.insert(family).inserted else {
                throw LeaseStoreSettingsError(
                    "the pod has two \(family.rawValue) addresses: a pod of Kubernetes has one of each family; set "
                        + "POD_IPS from the field status.podIPs")
            }
        }
        guard port > 0 else { throw LeaseStoreSettingsError("0 is no port for clients: give the server's own") }
        self.lease = lease
        self.service = service
        self.addresses = addresses
        self.port = port
        self.portName = portName
        self.pod = pod
        self.podUID = podUID
    }

    /// The pod's addresses, as `POD_IPS` or else `POD_IP` names them; empty where neither does.
    package static func addresses(in environment: [String: String]) -> [String] {
        let text = [environment["POD_IPS"], environment["POD_IP"]].compactMap { $0 }.first { !$0.isEmpty } ?? ""
        return text.split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// What the lease is called in the slice.
    var leaseName: String { "\(lease.namespace)/\(lease.name)" }

    func address(of family: AddressFamily) -> String? { addresses.first { AddressFamily(of: $0) == family } }

    /// How the family's slice is called. A right can be restricted to it.
    func sliceName(_ family: AddressFamily) -> String { "\(service)-\(family.rawValue.lowercased())" }
}

enum AddressFamily: String, CaseIterable, Sendable {
    case ipv4 = "IPv4"
    case ipv6 = "IPv6"

    /// `nil` for what is no address, and for what Kubernetes does not take: loopback, link-local, multicast, unspecified.
    init?(of address: String) {
        var four = in_addr()
        var six = in6_addr()
        if unsafe inet_pton(AF_INET, address, &four) == 1 {
            let bytes = unsafe withUnsafeBytes(of: &four) { unsafe Array($0) }
            guard bytes[0] != 127, bytes[0] < 224, bytes[..<2] != [169, 254], bytes != [0, 0, 0, 0] else {
                return nil
            }
            self = .ipv4
        } else if unsafe inet_pton(AF_INET6, address, &six) == 1 {
            let bytes = unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }
            // Neither ::, ::1 and an IPv4 address inside, nor fe80::/10, nor ff00::/8.
            guard bytes[..<8].contains(where: { $0 != 0 }), bytes[0] != 0xFF,
                !(bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80)
            else { return nil }
            self = .ipv6
        } else {
            return nil
        }
    }
}
