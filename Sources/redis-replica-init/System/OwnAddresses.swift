import Glibc
import ReplicaPlanning

/// This server's own addresses, however they are spelled: who listens there after the start is this server itself.
struct OwnAddresses {
    private let pod: String?
    private let podPort: Int?
    private let ports: [Int]
    private let bind: [String]
    private let interfaces: [String]

    init(_ settings: GuardSettings) {
        self.init(settings.own, ports: settings.port.map { [$0] } ?? [], bind: settings.bind)
    }

    init(_ place: OwnPlace) { self.init(place.peer, ports: place.ports, bind: place.bind) }

    private init(_ own: GuardSettings.Peer?, ports: [Int], bind: [[UInt8]]) {
        pod = own.flatMap { Self.numeric(path($0.host)) }
        podPort = own?.port
        self.ports = ports
        self.bind = bind.map { bytes in
            let text = path(bytes)
            return text.hasPrefix("-") ? String(text.dropFirst()) : text
        }
        interfaces = Self.interfaces
    }

    func contains(_ address: String, _ port: Int) -> Bool {
        let address = Self.plain(address)
        if port == podPort, address == pod { return true }
        guard ports.contains(port), isBound(address) else { return false }
        return interfaces.contains(address) || address.hasPrefix("127.") || address == "::1"
    }

    /// Whether a server with these `bind` lines takes what comes to this address.
    private func isBound(_ address: String) -> Bool {
        let isIPv6 = address.contains(":")
        return bind.contains { item in
            switch item {
            case "*", "0.0.0.0": !isIPv6
            case "::*", "::": isIPv6
            default: Self.numeric(item) == address
            }
        }
    }

    /// An address as `getnameinfo` writes it; an IPv4 address that is mapped into IPv6 as what it is.
    private static func numeric(_ text: String) -> String? {
        guard case .found(let found) = NameLookUp.addresses(of: Array(text.utf8), in: nil) else { return nil }
        return found.first.map(plain)
    }

    private static func plain(_ address: String) -> String {
        address.hasPrefix("::ffff:") && address.contains(".") ? String(address.dropFirst(7)) : address
    }

    private static var interfaces: [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var addresses: [String] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ifa_addr, let text = unsafe NameLookUp.numeric(address) {
                addresses.append(plain(text))
            }
            unsafe next = entry.pointee.ifa_next
        }
        return addresses
    }
}
