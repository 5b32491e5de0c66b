import Testing

@testable import KeyValueService

@Suite("Origins whose pages may read answers")
struct AllowedOriginsTests {
    @Test(arguments: [
        "https://app.example.com", "http://localhost:5173", "http://127.0.0.1:8080, https://a.b", "http://[::1]:8080",
        "http://a:443", "https://a:80", "app://a:80",
        "capacitor://localhost", "*", " * ",
    ])
    func `are taken as a browser sends them`(text: String) throws {
        let origins = try #require(AllowedOrigins(parsing: text))
        #expect(!origins.isEmpty && origins.longestFields > 0)
    }

    @Test(arguments: [
        "", ",", "https://a,", "https://a/", "https://a/b", "https://A.example.com", "HTTPS://a", "a.example.com",
        "*,https://a",
        "https://*.example.com", "https://", "https://a:", "https://a:1234567", "https://a:b", "null", "https://a b",
        "https://a\r\nX: y", "http://[::1", "://a", "https://user@a", "http://app:80", "https://app:443",
        "http://[::1]:80", "http://a:080",
        "http://a:0", "http://a:65536", "http://a:99999", "1http://a", "-://a", "+a://a", "http://[:::]", "http://[a]",
        "http://-a",
    ])
    func `are refused where no browser would ever send them`(text: String) {
        #expect(AllowedOrigins(parsing: text) == nil)
    }

    @Test func `are bounded in number`() {
        let many = { (count: Int) in (0..<count).map { "https://h\($0)" }.joined(separator: ",") }
        #expect(AllowedOrigins(parsing: many(AllowedOrigins.maximum)) != nil)
        #expect(AllowedOrigins(parsing: many(AllowedOrigins.maximum + 1)) == nil)
    }

    @Test func `are met by the very bytes`() throws {
        let origins = try #require(AllowedOrigins(parsing: "https://a,https://b:8443"))
        func fields(_ origin: String) -> String? {
            let bytes = Array(origin.utf8)
            return words(origins, origins.place(of: bytes.span))
        }
        #expect(fields("https://b:8443")?.hasPrefix("\r\nAccess-Control-Allow-Origin: https://b:8443\r\n") == true)
        for other in ["https://c", "https://a:443", "http://a", "https://a/", "", "null", "https://A"] {
            #expect(fields(other) == nil, "\(other)")
        }
        let everybody = try #require(AllowedOrigins(parsing: "*"))
        let bytes = Array("null".utf8)
        let place = everybody.place(of: bytes.span)
        #expect(words(everybody, place)?.hasPrefix("\r\nAccess-Control-Allow-Origin: *\r\n") == true)
        #expect(AllowedOrigins.none.isEmpty && AllowedOrigins.none.longestFields == 0)
    }

    private func words(_ origins: AllowedOrigins, _ place: AllowedOrigins.Place) -> String? {
        let index = Int(place.index)
        return index < origins.fields.count ? String(decoding: origins.fields[index], as: UTF8.self) : nil
    }
}
