/// The names by which clients may call a server that only its own machine reaches, as a value.
///
/// A page in a browser may have its own name lead to 127.0.0.1 (DNS rebinding). To the browser the server there is then the
/// page's own, and nothing but the field Host tells that it was called by another name.
public struct AllowedHosts: Equatable, Sendable {
    /// As many as can be named beside those that are always there.
    public static let maximum = 64

    /// In lower case, without a port; an IPv6 address in brackets.
    private var names: [[UInt8]]
    /// What most clients send.
    private let likely: [UInt8]

    /// - Parameters:
    ///   - host: how the server was told where to listen, a name or an address.
    ///   - address: the address that it is; anything but a loopback one makes `nil`: how others call the server is not known.
    ///   - more: further names.
    public init?(listeningAt host: String, _ address: String, port: Int, more: [String] = []) {
        guard address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.") else { return nil }
        var names: [[UInt8]] = []
        for name in [host, address] + ["localhost", "127.0.0.1", "::1"] + more {
            let form = Self.form(of: name)
            if !names.contains(form) { names.append(form) }
        }
        self.names = names
        likely = names[0] + Array(":\(port)".utf8)
    }

    /// - Parameter text: host names and addresses with commas between them, without ports.
    /// - Returns: `nil` where one of them is none.
    public static func names(parsing text: String) -> [String]? {
        var names: [String] = []
        for element in text.split(separator: ",", omittingEmptySubsequences: false) {
            var name = element.drop { $0 == " " }
            while name.last == " " { name.removeLast() }
            guard isName(name.utf8) else { return nil }
            names.append(String(name))
        }
        return names.count <= maximum ? names : nil
    }

    /// Letters, digits, `-`, `.` and `_`; or an IPv6 address, in brackets or not.
    private static func isName(_ text: Substring.UTF8View) -> Bool {
        let colons = text.count { $0 == UInt8(ascii: ":") }
        // One is before a port.
        guard colons != 1 else { return false }
        let isAddress = colons > 1
        var inner = text[...]
        if isAddress, inner.first == UInt8(ascii: "["), inner.last == UInt8(ascii: "]") {
            inner = inner.dropFirst().dropLast()
        }
        guard !inner.isEmpty, inner.count <= 253 else { return false }
        return inner.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: ":"): isAddress
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."): true
            case UInt8(ascii: "g")...UInt8(ascii: "z"), UInt8(ascii: "G")...UInt8(ascii: "Z"), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                !isAddress
            default: false
            }
        }
    }

    /// In lower case, without the root's dot, an IPv6 address in brackets.
    private static func form(of name: String) -> [UInt8] {
        let dot = UInt8(ascii: ".")
        var lower = name.utf8.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
        if lower.count > 1, lower.last == dot, lower[lower.count - 2] != dot { lower.removeLast() }
        let isBare = lower.contains(UInt8(ascii: ":")) && lower.first != UInt8(ascii: "[")
        return isBare ? [UInt8(ascii: "[")] + lower + [UInt8(ascii: "]")] : lower
    }

    /// Whether a request may be answered: one of HTTP/1.0 without Host is from no browser, and names no server.
    public func allow(_ request: borrowing RequestView) -> Bool {
        if let host = request.value(of: .host) {
            guard contain(host) else { return false }
        } else if request.head.isHTTP11 {
            return false
        }
        // An authority in the target counts before Host (RFC 9112 §3.2.2).
        guard let authority = request.authority else { return true }
        return contain(authority)
    }

    /// - Parameter host: as the field Host has it, with or without a port: another one may lead here, as a tunnel's does.
    public func contain(_ host: Span<UInt8>) -> Bool {
        if host.isSame(as: likely) { return true }
        let end = host.endOfHostName
        guard host.isEndOrPort(from: end) else { return false }
        // A name with the root's dot behind it is the same name.
        let isRooted = end > 1 && host[end - 1] == UInt8(ascii: ".") && host[end - 2] != UInt8(ascii: ".")
        let name = host.extracting(0..<(isRooted ? end - 1 : end))
        return names.contains { name.isSameIgnoringCase(as: $0.span) }
    }
}

extension RequestView {
    /// The authority of a target in absolute form; `nil` for any other.
    var authority: Span<UInt8>? {
        @_lifetime(copy self)
        get {
            let target = target
            guard !target.isEmpty, target[0] != UInt8(ascii: "/") else { return nil }
            let start =
                target.startsIgnoringCase(with: "http://") ? 7 : target.startsIgnoringCase(with: "https://") ? 8 : 0
            guard start > 0 else { return nil }
            var end = start
            while end < target.count, !"/?#".utf8.contains(target[end]) { end += 1 }
            return target.extracting(start..<end)
        }
    }
}

extension Span<UInt8> {
    /// Where a host's name ends, before its port: behind the bracket of an IPv6 address.
    public var endOfHostName: Int {
        var index = 0
        if !isEmpty, self[0] == UInt8(ascii: "[") {
            while index < count, self[index] != UInt8(ascii: "]") { index += 1 }
            return Swift.min(index + 1, count)
        }
        while index < count, self[index] != UInt8(ascii: ":") { index += 1 }
        return index
    }

    /// Whether nothing follows, or a colon and at most five digits.
    public func isEndOrPort(from start: Int) -> Bool {
        guard start < count else { return true }
        guard self[start] == UInt8(ascii: ":"), count - start <= 6 else { return false }
        for index in start + 1..<count where !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= self[index]) { return false }
        return true
    }

    /// Compares eight bytes at a time.
    fileprivate func isSame(as text: [UInt8]) -> Bool {
        guard count == text.count else { return false }
        let mine = unsafe bytes
        let other = unsafe text.span.bytes
        var index = 0
        while index &+ 8 <= count {
            let left = unsafe mine.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let right = unsafe other.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            if left != right { return false }
            index &+= 8
        }
        while index < count {
            if self[index] != text[index] { return false }
            index &+= 1
        }
        return true
    }

    /// Whether both are equal, ignoring the case of ASCII letters.
    public func isSameIgnoringCase(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices {
            let isLetter = UInt8(ascii: "a")...UInt8(ascii: "z") ~= self[index] | 0x20
            if isLetter ? self[index] | 0x20 != other[index] | 0x20 : self[index] != other[index] { return false }
        }
        return true
    }
}
