import HTTPWire
import Testing

@testable import KeyValueService

@Suite("Who has a request sent")
struct RequestSourceTests {
    private static let allowed = AllowedOrigins(parsing: "https://app.example.com,http://localhost:5173") ?? .none

    private func source(_ fields: String..., origins: AllowedOrigins = allowed) throws -> RequestSource {
        let host = fields.contains { $0.hasPrefix("Host:") } ? [] : ["Host: 127.0.0.1:8080"]
        let wire = Array((["POST /set HTTP/1.1"] + host + fields + ["", ""]).joined(separator: "\r\n").utf8)
        var decoder = RequestDecoder()
        var offset = 0
        guard case .head(let head) = decoder.next(wire.span, from: &offset) else {
            throw RequestFault.malformed(.notHTTP)
        }
        return RequestSource(RequestView(head, in: wire.span), origins)
    }

    @Test func `a program sends neither Origin nor Sec-Fetch-Site, and a user's own doing has no origin`() throws {
        #expect(try source() == .program)
        #expect(try source("Sec-Fetch-Site: none") == .program)
    }

    @Test func `a page of ours says so, or comes from the host that it asks`() throws {
        let own: [(host: String, origin: String)] = [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"), ("Kv.example", "http://kv.example"),
            ("kv.example", "https://kv.example"), ("kv.example:443", "https://kv.example"),
            ("kv.example:80", "http://kv.example"), ("[::1]:8080", "http://[::1]:8080"),
        ]
        for (host, origin) in own { #expect(try source("Host: \(host)", "Origin: \(origin)") == .ownPage, "\(origin)") }
        #expect(try source("Sec-Fetch-Site: same-origin") == .ownPage)
        // A proxy has given the request another Host.
        #expect(try source("Origin: https://kv.example", "Sec-Fetch-Site: same-origin") == .ownPage)
    }

    @Test func `a page whose origin is allowed is, whatever site it is of`() throws {
        #expect(try source("Origin: https://app.example.com", "Sec-Fetch-Site: cross-site") == .allowedPage)
        #expect(try source("Origin: http://localhost:5173", "Sec-Fetch-Site: same-site") == .allowedPage)
        #expect(try source("Origin: null", origins: AllowedOrigins(parsing: "*") ?? .none) == .allowedPage)
    }

    @Test func `every other page is another's`() throws {
        for origin in [
            "http://evil.example", "null", "", "http://127.0.0.1", "http://127.0.0.1:8081",
            "http://127.0.0.1:8080.evil",
            "http://127.0.0.1:8080/", "http://127.0.0.1:80800", "ftp://127.0.0.1:8080", "127.0.0.1:8080", "https://",
            "http://evil@127.0.0.1:8080", "http://localhost:8080", "http://127.0.0.1:8080, http://127.0.0.1:8080",
            "https://app.example.com.evil", "file://", "chrome-extension://abcdef", "https://127.0.0.1:443",
        ] {
            #expect(try source("Origin: \(origin)") == .otherPage, "\(origin)")
        }
        for site in ["cross-site", "same-site", "", "same-origin-ish", "SAME-ORIGIN", "same-origin, cross-site"] {
            #expect(try source("Sec-Fetch-Site: \(site)") == .otherPage, "\(site)")
            #expect(try source("Sec-Fetch-Site: \(site)", "Origin: http://127.0.0.1:8080") == .otherPage, "\(site)")
        }
        #expect(try source("Origin: http://127.0.0.1:8080", "Origin: http://evil.example") == .otherPage)
        #expect(try source("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site") == .otherPage)
        #expect(try source("Sec-Fetch-Site: none", "Origin: http://evil.example") == .otherPage)
    }
}
