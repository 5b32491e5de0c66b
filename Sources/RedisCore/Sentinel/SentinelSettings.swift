/// Which Sentinels are asked, and for which master: three variables, read the same way by every program.
package struct SentinelSettings: Equatable, Sendable {
    package static let hostVariable = "REDIS_SENTINEL_HOST"
    package static let portVariable = "REDIS_SENTINEL_PORT_NUMBER"
    package static let masterNameVariable = "REDIS_SENTINEL_MASTER_NAME"

    package static let defaultPort = 26379
    package static let defaultMasterName = "mymaster"
    /// The most Sentinels that are asked; a name may have more addresses.
    package static let maximumSentinels = 16

    /// At least one. A host may be a name with several addresses: each of them is a Sentinel.
    package let sentinels: [MasterAddress]
    package let masterName: String

    /// - Parameters:
    ///   - hosts: `HOST[:PORT][,…]`, an IPv6 address in brackets.
    ///   - port: of those without one.
    ///   - masterName: as `sentinel monitor NAME` has it.
    /// - Returns: `nil` where no host is given: Sentinel is not followed. An empty text is none.
    package init?(hosts: String?, port: String?, masterName: String?) throws(SentinelSettingsFault) {
        let defaultPort = try Self.port(port)
        let name = masterName.flatMap { $0.isEmpty ? nil : $0 } ?? Self.defaultMasterName
        guard let hosts, !hosts.isEmpty else { return nil }
        guard Self.isMasterName(name) else { throw .notAMasterName(name) }
        var sentinels: [MasterAddress] = []
        for part in hosts.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let address = try Self.address(Array(part), defaultPort: defaultPort)
            if !sentinels.contains(where: { $0.isSame(as: address) }) { sentinels.append(address) }
        }
        guard sentinels.count <= Self.maximumSentinels else { throw .tooMany(sentinels.count) }
        self.sentinels = sentinels
        self.masterName = name
    }

    /// Decimal digits alone, 1 to 65535; the default where nothing is given.
    private static func port(_ text: String?) throws(SentinelSettingsFault) -> Int {
        guard let text, !text.isEmpty else { return defaultPort }
        guard let port = number(Array(text.utf8)) else { throw .notAPort(text) }
        return port
    }

    private static func number(_ digits: [UInt8]) -> Int? {
        guard 1...5 ~= digits.count, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return 1...65535 ~= number ? number : nil
    }

    private static func address(_ given: [UInt8], defaultPort: Int) throws(SentinelSettingsFault) -> MasterAddress {
        let blanks = [UInt8(ascii: " "), UInt8(ascii: "\t")]
        var part = given[...]
        while let first = part.first, blanks.contains(first) { part = part.dropFirst() }
        while let last = part.last, blanks.contains(last) { part = part.dropLast() }
        let shown = String(decoding: part, as: UTF8.self)
        var host = Array(part)
        var port = defaultPort
        if part.first == UInt8(ascii: "["), let end = part.firstIndex(of: UInt8(ascii: "]")) {
            host = Array(part[part.index(after: part.startIndex)..<end])
            guard HostForm.isIPv6(host) else { throw .notASentinel(shown) }
            let rest = part[part.index(after: end)...]
            if !rest.isEmpty {
                guard rest.first == UInt8(ascii: ":"), let number = number(Array(rest.dropFirst())) else {
                    throw .notASentinel(shown)
                }
                port = number
            }
        } else if let colon = part.lastIndex(of: UInt8(ascii: ":")) {
            // An IPv6 address without brackets: its last group would be taken for a port.
            guard !HostForm.looksLikeIPv6(host) else { throw .noBrackets(shown) }
            host = Array(part[..<colon])
            guard !HostForm.looksLikeIPv6(host) else { throw .noBrackets(shown) }
            guard let number = number(Array(part[part.index(after: colon)...])) else { throw .notASentinel(shown) }
            port = number
        }
        guard HostForm.isHost(host) else { throw .notASentinel(shown) }
        return MasterAddress(host: String(decoding: host, as: UTF8.self), port: port)
    }

    /// What one word of Sentinel's own file can hold.
    private static func isMasterName(_ name: String) -> Bool {
        name.utf8.count <= 255
            && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") }
    }
}

/// What is wrong with the settings of Sentinel.
package enum SentinelSettingsFault: Error, Equatable, Sendable {
    case notASentinel(String)
    case noBrackets(String)
    case tooMany(Int)
    case notAPort(String)
    case notAMasterName(String)

    /// The variable that is wrong.
    package var variable: String {
        switch self {
        case .notASentinel, .noBrackets, .tooMany: SentinelSettings.hostVariable
        case .notAPort: SentinelSettings.portVariable
        case .notAMasterName: SentinelSettings.masterNameVariable
        }
    }

    package var problem: String {
        switch self {
        case .notASentinel(let text): text.isEmpty ? "a part of the list is empty" : "\(shown(text)) is not HOST[:PORT]"
        case .noBrackets(let text): "\(shown(text)) is an IPv6 address without brackets"
        case .tooMany(let count): "it names \(count) Sentinels, more than \(SentinelSettings.maximumSentinels)"
        case .notAPort(let text): "\(shown(text)) is no port"
        case .notAMasterName(let text): "\(shown(text)) cannot be the name of a master"
        }
    }

    package var cure: String {
        switch self {
        case .notASentinel:
            "set HOST[:PORT],HOST[:PORT], an IPv6 address in brackets, without a scheme"
        case .noBrackets: "write [ADDRESS] or [ADDRESS]:PORT"
        case .tooMany: "name the Sentinels of one master only; three or five are enough"
        case .notAPort: "set a number from 1 to 65535; 26379 is the usual one"
        case .notAMasterName: "set the name behind 'sentinel monitor' in Sentinel's file, one word"
        }
    }

    /// A URL may hold a password.
    private func shown(_ text: String) -> String {
        text.utf8.contains(UInt8(ascii: "@")) ? "a URL with a login" : "'\(printable(text.utf8, limit: 80))'"
    }
}

extension SentinelSettingsFault: CustomStringConvertible {
    package var description: String { "\(variable): \(problem): \(cure)" }
}
