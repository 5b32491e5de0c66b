import HTTPWire
import RedisClient
import RedisCore

/// The origins whose pages may read the answers in a browser (WHATWG Fetch, the CORS protocol).
///
/// An answer never allows credentials: cookies mean nothing here, and a token that a page knows goes into Authorization.
public struct AllowedOrigins: Equatable, Sendable {
    /// Which one of them; one byte in every request.
    struct Place: Equatable, Sendable {
        /// Of ``AllowedOrigins/fields``.
        let index: UInt8
        static let none = Place(index: .max)
    }

    /// As many as can be named.
    public static let maximum = 64
    public static let none = AllowedOrigins()

    /// As browsers send them; empty where every origin is allowed.
    private var origins: [[UInt8]] = []
    private var isEverybody = false
    /// What an answer to each of them says, as header lines.
    private(set) var fields: [[UInt8]] = []
    private(set) var longestFields = 0

    private init() {}

    /// - Parameter text: `*`, or origins with commas between them, such as `https://app.example.com,http://localhost:5173`.
    /// - Returns: `nil` where one of them is none: a browser would never send it.
    public init?(parsing text: String) {
        let elements = text.split(separator: ",", omittingEmptySubsequences: false).map(Self.withoutBlanks)
        guard 1...Self.maximum ~= elements.count else { return nil }
        isEverybody = elements == ["*"]
        guard isEverybody || elements.allSatisfy({ Self.isOrigin(Array($0.utf8)) }) else { return nil }
        origins = isEverybody ? [] : elements.map { Array($0.utf8) }
        fields = elements.map { origin in
            Array(
                "\r\nAccess-Control-Allow-Origin: \(origin)\r\nAccess-Control-Expose-Headers: \(Self.exposed)".utf8)
        }
        longestFields = fields.map(\.count).max() ?? 0
    }

    private static func withoutBlanks(_ text: Substring) -> String {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// What a page may see of an answer beside its body.
    private static let exposed =
        "Allow, Answer-Incomplete, ETag, Replicas-Acknowledged, Replication-Token, Replication-Verdict, Retry-After, "
        + "Served-App, Served-By, Served-Role, Served-Stale, X-Request-Id"

    var isEmpty: Bool { fields.isEmpty }

    /// - Parameter origin: the field Origin of a request.
    func place(of origin: Span<UInt8>) -> Place {
        if isEverybody { return Place(index: 0) }
        for (index, allowed) in origins.enumerated() where origin.count == allowed.count {
            var difference: UInt8 = 0
            for place in allowed.indices { difference |= allowed[place] ^ origin[place] }
            if difference == 0 { return Place(index: UInt8(index)) }
        }
        return .none
    }

    /// `scheme://host` or `scheme://host:port`, as browsers write it: in lower case, and without anything behind it.
    private static func isOrigin(_ text: [UInt8]) -> Bool {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), text[colon...].starts(with: "://".utf8),
            let first = text.first, UInt8(ascii: "a")...UInt8(ascii: "z") ~= first,
            text[..<colon].allSatisfy({ isLetterOrDigit($0) || "+-.".utf8.contains($0) })
        else { return false }
        let scheme = String(decoding: text[..<colon], as: UTF8.self)
        let authority = text[(colon + 3)...]
        let isBracketed = authority.first == UInt8(ascii: "[")
        let hostEnd =
            isBracketed
            ? authority.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 }
            : authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        guard let hostEnd, hostEnd > authority.startIndex,
            authority[..<hostEnd].allSatisfy({
                isLetterOrDigit($0) || (isBracketed ? "[:.]" : "-._").utf8.contains($0)
            })
        else { return false }
        let host = authority[..<hostEnd]
        guard isBracketed ? HostForm.isIPv6(Array(host.dropFirst().dropLast())) : HostForm.isHost(Array(host)) else {
            return false
        }
        let port = authority[hostEnd...]
        return port.isEmpty || (port.first == UInt8(ascii: ":") && isPort(port.dropFirst(), of: scheme))
    }

    /// A browser leaves out its scheme's own port, and zeros in front.
    private static func isPort(_ digits: ArraySlice<UInt8>, of scheme: String) -> Bool {
        guard digits.first != UInt8(ascii: "0"),
            let port = RedisEndpoint.port(String(decoding: digits, as: UTF8.self))
        else { return false }
        return switch scheme {
        case "http", "ws": port != 80
        case "https", "wss": port != 443
        case "ftp": port != 21
        default: true
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }
}
