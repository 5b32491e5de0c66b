import LocalTopology
import Testing

/// The answers to a client or proxy that does not send HTTP or has the wrong port, over real sockets.
@Suite("Malformed requests get a precise error")
struct ParserErrorTests {
    private static let post = "POST /set HTTP/1.1\r\nHost: a\r\n"
    private static let head = "GET /livez HTTP/1.1\r\nHost: a\r\n"

    private static let cases: [(wire: [UInt8], status: Int, reason: String, words: String)] = {
        let texts: [(String, String, String)] = [
            ("GET /livez HTTP/1.1\r\n\r\n", "missing-host", "Host is missing"),
            ("\(head)Host: b-secret\r\n\r\n", "several-hosts", "Host comes more than once"),
            ("GET /livez HTTP/1.1\r\nHost: b secret\r\n\r\n", "invalid-host", "Host"),
            (
                "\(head)Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "content-length-with-transfer-encoding", "Content-Length and Transfer-Encoding"
            ),
            ("\(head)Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "several-content-lengths", "Content-Length"),
            ("\(head)Content-Length: secret\r\n\r\n", "invalid-content-length", "Content-Length"),
            ("\(head)Transfer-Encoding: chunked\r\n\r\n0 secret\r\n", "invalid-chunk-size", "hexadecimal"),
            ("\(head)Transfer-Encoding: chunked\r\n\r\n0\r\nsecret\r\n\r\n", "invalid-trailer", "Name: value"),
            ("\(post)Transfer-Encoding: chunked\r\n\r\nsecret\r\n", "invalid-chunk-size", "hexadecimal"),
            ("\(post)Transfer-Encoding: chunked\r\n\r\n1\r\nsecret\r\n", "chunk-too-long", "chunk"),
            ("\(post)Transfer-Encoding: chunked\r\n\r\n1;a=\"\\\n\"\r\nx\r\n", "invalid-chunk-size", "hexadecimal"),
            ("\(post)Transfer-Encoding: chunked\r\n\r\n1;a=\"\\\u{7f}\"\r\n", "invalid-chunk-size", "hexadecimal"),
            ("\(post)Transfer-Encoding: chunked\r\n\r\n1;a=\"\\\0\"\r\nx\r\n", "invalid-chunk-size", "hexadecimal"),
            ("GET /livez HTTP/1.1\nHost: a\n\n", "bare-line-feed", "line feed"),
            ("\(head)X: secret\n\r\n", "bare-line-feed", "line feed"),
            ("\(head)X: a\r\n secret\r\n\r\n", "folded-line", "white space"),
            ("\(head)secret : a\r\n\r\n", "space-before-colon", "before the colon"),
            ("\(head)secret\r\n\r\n", "missing-colon", "colon"),
            ("\(head)s(ecret: a\r\n\r\n", "invalid-field-name", "name"),
            ("S(CRET /livez HTTP/1.1\r\nHost: a\r\n\r\n", "invalid-method", "method"),
            ("GET /livez\r\n\r\n", "missing-version", "HTTP/1.1"),
            ("GET /a secret HTTP/1.1\r\nHost: a\r\n\r\n", "space-in-target", "%20"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http-2", "HTTP/1.1"), ("PING\r\n", "redis-command", "Redis"),
            ("*2\r\n$3\r\nGET\r\n$6\r\nsecret\r\n", "redis-command", "Redis"),
            ("SET secret 1\r\n", "redis-command", "Redis"),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\(head)\r\n", "proxy-protocol", "PROXY protocol"),
            ("secret\r\n", "not-http", "not HTTP"),
        ]
        let proxy: [UInt8] =
            [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8) + [0x21, 0x11, 0, 12] + Array(repeating: 1, count: 12)
        let hello: [UInt8] = [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]
        let bytes = texts.map { (wire: Array($0.0.utf8), status: 400, reason: $0.1, words: $0.2) }
        return bytes + [
            (proxy, 400, "proxy-protocol", "PROXY protocol"), (hello, 400, "tls-hello", "TLS"),
        ]
    }()

    @Test("each with a stable reason and a cure, and nothing of what came")
    func reasons() async throws {
        let system = try KeyValueCluster(apps: 1)
        var app = system.apps[0]
        app.readiness = .running
        try await withLocalCluster(ClusterSpec([app])) { cluster in
            try await cluster.wait(untilServed: .get("/livez"), by: "app-1")
            let hello = try #require(Self.cases.first { $0.reason == "tls-hello" })
            _ = try await LoopbackHTTP.transcript(of: hello.wire, with: app.endpoint)
            let told = #""reason":"tls-hello","client":"127.0.0.1""#
            let log = try await cluster.log(of: "app-1")
            #expect(log.contains(told) || log.contains(#""client":"127.0.0.1","reason":"tls-hello""#), "\(log)")
            for (wire, status, reason, words) in Self.cases {
                let transcript = try await LoopbackHTTP.transcript(of: wire, with: app.endpoint)
                let shown = String(decoding: wire, as: UTF8.self).debugDescription
                #expect(transcript.hasPrefix("HTTP/1.1 \(status) "), "\(shown): \(transcript)")
                #expect(
                    transcript.contains("\"code\":\"malformed-request\",\"reason\":\"\(reason)\""),
                    "\(shown): \(transcript)")
                #expect(transcript.contains(words), "\(shown): \(transcript)")
                #expect(!transcript.contains("secret"), "\(transcript)")
                #expect(transcript.contains("\r\nConnection: close\r\n"))
            }
            let lines = try await cluster.log(of: "app-1").split(separator: "\n").filter {
                $0.contains("an invalid HTTP request")
            }
            #expect(!lines.isEmpty && lines.count < Self.cases.count, "it is logged only now and then")
            #expect(!lines.contains { $0.contains("secret") })
            let large = [
                ("X: " + String(repeating: "a", count: 20_000), "16 KiB"),
                (
                    Array(repeating: "X: " + String(repeating: "a", count: 8_000), count: 9).joined(separator: "\r\n"),
                    "64 KiB"
                ),
                (Array(repeating: "X: a", count: 101).joined(separator: "\r\n"), "more than 100"),
            ]
            for (fields, words) in large {
                let transcript = try await LoopbackHTTP.transcript(
                    of: Array("\(Self.head)\(fields)\r\n\r\n".utf8), with: app.endpoint)
                #expect(transcript.hasPrefix("HTTP/1.1 431 ") && transcript.contains(words), "\(transcript)")
            }
        }
    }
}
