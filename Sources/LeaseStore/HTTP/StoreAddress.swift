/// A setting of a lease store that cannot be used: what is wrong, and the cure.
package struct LeaseStoreSettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

enum StoreAddress {
    /// `http://HOST:PORT` or `https://HOST:PORT`, and nothing behind it.
    static func check(_ address: String, of store: String) throws(LeaseStoreSettingsError) {
        let schemes = ["http://", "https://"]
        guard let scheme = schemes.first(where: { address.hasPrefix($0) }) else {
            throw LeaseStoreSettingsError(
                "the \(store) endpoint has no http:// or https:// in front: give it as http://HOST:PORT")
        }
        // The text to show contains no user and no password, even where the address does.
        var authority = address.dropFirst(scheme.count)
        guard !authority.contains("@") else {
            throw LeaseStoreSettingsError(
                "the \(store) endpoint holds a user: give it as \(scheme)HOST:PORT, and user and password apart")
        }
        let problem = LeaseStoreSettingsError(
            "the \(store) endpoint '\(address)' is not \(scheme)HOST:PORT: give it so, without a path")
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw problem }
            let literal = authority[authority.index(after: authority.startIndex)..<end]
            guard !literal.isEmpty, literal.utf8.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: ":") }) else {
                throw problem
            }
            authority = authority[authority.index(after: end)...]
            guard authority.first == ":" else { throw problem }
        } else {
            let host = authority.prefix { $0 != ":" }
            guard 1...253 ~= host.utf8.count, host.utf8.allSatisfy(isOfName) else { throw problem }
            authority = authority.dropFirst(host.count)
        }
        guard authority.first == ":", authority.dropFirst().utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let port = UInt16(authority.dropFirst()), port > 0
        else { throw problem }
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
