import HTTPWire
import Testing

@Suite("The names by which a server on loopback may be called")
struct AllowedHostsTests {
    private static func allows(_ hosts: AllowedHosts, _ head: String) -> Bool? {
        var decoder = RequestDecoder()
        var offset = 0
        let bytes = Array("\(head)\r\n\r\n".utf8)
        guard case .head(let found) = decoder.next(bytes.span, from: &offset) else { return nil }
        return hosts.allow(RequestView(found, in: bytes.span))
    }

    @Test("are its own, those of this machine, and those that are named, with any port")
    func names() throws {
        let hosts = try #require(
            AllowedHosts(listeningAt: "127.0.0.2", "127.0.0.2", port: 8080, more: ["App.example.com", "fd00::1"]))
        for host in [
            "127.0.0.2:8080", "127.0.0.2", "localhost", "localhost.", "localhost.:8080", "localhost:8080",
            "LocalHost:9000", "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]", "app.example.com", "app.example.com.", "APP.EXAMPLE.COM:443", "[fd00::1]:8080", "[FD00::1]",
            "127.0.0.1:",
        ] {
            #expect(Self.allows(hosts, "GET / HTTP/1.1\r\nHost: \(host)") == true, "\(host)")
        }
        for host in [
            "evil.example.com", "evil.example.com:8080", "localhost.evil.example.com", "127.0.0.1.nip.io",
            "localhost..", ".", "xlocalhost", "localhostx", "127.0.0.3", "127.0.0.2:8080x", "127.0.0.2:808080",
            "localhost:8080:1", "::1",
            "[::1", "[::1]x", "[::1]8080", "0.0.0.0", "2130706433", "0x7f.1", "127.1", "", ":8080",
            "a.app.example.com", "127.0.0.2;8080", "[::ffff:127.0.0.1]",
        ] {
            #expect(Self.allows(hosts, "GET / HTTP/1.1\r\nHost: \(host)") == false, "\(host)")
        }
    }

    @Test("count in the target too, and a request of HTTP/1.0 without Host names no host")
    func targets() throws {
        let hosts = try #require(AllowedHosts(listeningAt: "localhost", "::1", port: 8080))
        let table: [(head: String, isAllowed: Bool)] = [
            ("GET http://localhost:8080/ HTTP/1.1\r\nHost: localhost:8080", true),
            ("GET http://evil/ HTTP/1.1\r\nHost: localhost:8080", false),
            ("GET HTTPS://evil HTTP/1.1\r\nHost: localhost:8080", false),
            ("GET http://evil?localhost HTTP/1.1\r\nHost: localhost:8080", false),
            ("GET http://localhost@evil/ HTTP/1.1\r\nHost: localhost:8080", false),
            ("GET http://localhost/ HTTP/1.1\r\nHost: evil", false), ("OPTIONS * HTTP/1.1\r\nHost: localhost", true),
            ("GET / HTTP/1.0", true), ("GET / HTTP/1.0\r\nHost: evil", false), ("GET http://evil/ HTTP/1.0", false),
        ]
        for (head, isAllowed) in table { #expect(Self.allows(hosts, head) == isAllowed, "\(head)") }
    }

    @Test("are not known where others reach the server")
    func elsewhere() {
        for address in ["192.0.2.1", "0.0.0.0", "::", "fd00::1", "::ffff:192.0.2.1", "12.7.0.1", "1270.0.0.1"] {
            #expect(AllowedHosts(listeningAt: "name", address, port: 1) == nil, "\(address)")
        }
    }

    @Test("are written without ports and schemes")
    func parsing() {
        #expect(
            AllowedHosts.names(parsing: "a.example, B ,127.0.0.1,[::1],::1") == [
                "a.example", "B", "127.0.0.1", "[::1]", "::1",
            ])
        for text in ["", ",", "a,", "a b", "http://a", "a:8080", "*", "a,*", "a/b", "ä", "[a]", "a\u{0}b"] {
            #expect(AllowedHosts.names(parsing: text) == nil, "\(text)")
        }
        #expect(AllowedHosts.names(parsing: Array(repeating: "a", count: 65).joined(separator: ",")) == nil)
    }
}
