import HTTPWire
import LivePage
import NIOCore

/// `GET /` for a browser: the live page, whose script and style carry a number that is new with every answer; nothing else
/// on the page may run (Content Security Policy Level 3 §6.7).
struct PageAnswer {
    /// Marks in the page's file where the number goes.
    private static let nonceMark = Array("{nonce}".utf8)

    /// The page, cut where the number has to be.
    private let pieces: [ByteBuffer]

    init() {
        var pieces: [ByteBuffer] = []
        var rest = LivePage.html[...]
        while let place = rest.firstRange(of: Self.nonceMark) {
            pieces.append(ByteBuffer(bytes: rest[..<place.lowerBound]))
            rest = rest[place.upperBound...]
        }
        self.pieces = pieces + [ByteBuffer(bytes: rest)]
    }

    /// 16 digits. From the system's generator, whose output cannot be predicted.
    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    func response() -> Response {
        let nonce = Self.hexadecimal(.random(in: .min ... .max)) + Self.hexadecimal(.random(in: .min ... .max))
        var body = ByteBuffer()
        for (index, piece) in pieces.enumerated() {
            if index > 0 { body.writeString(nonce) }
            body.writeImmutableBuffer(piece)
        }
        var head = ResponseHead(contentType: .html)
        head.add("X-Content-Type-Options", "nosniff")
        head.add("Referrer-Policy", "no-referrer")
        head.add(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)'; connect-src 'self'; "
                + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        return Response(head, body: body)
    }
}

extension RequestView {
    /// Whether the client names HTML among what it takes, as browsers do; `*/*` does not name it.
    var asksForHTML: Bool {
        guard let field = value(of: .accept) else { return false }
        let preference = AcceptedTypes(field).preference(for: "text/html")
        return preference.closeness > 0 && preference.quality > 0
    }
}

extension ArraySlice<UInt8> {
    fileprivate func firstRange(of text: [UInt8]) -> Range<Int>? {
        indices.first { self[$0...].starts(with: text) }.map { $0..<$0 + text.count }
    }
}
