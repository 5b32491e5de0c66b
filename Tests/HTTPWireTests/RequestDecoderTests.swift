import HTTPWire
import Testing

@Suite("HTTP requests out of bytes")
struct RequestDecoderTests {
    private static let get = Event.head(method: "get", target: "/a?b=c", keepsAlive: true)

    /// Requests that every reader takes for the same.
    static let streams: [(wire: String, events: [Event])] = [
        ("GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n", [get, .end]),
        ("\r\n\r\nGET /a?b=c HTTP/1.1\r\nhost:h\r\nX-Any: \t a b \r\nEmpty:\r\n\r\n", [get, .end]),
        (
            "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\nHEAD * HTTP/1.1\r\nHost: h\r\nConnection: x , Close\r\n\r\n",
            [get, .end, .head(method: "head", target: "*", keepsAlive: false), .end]
        ),
        ("GET / HTTP/1.0\r\n\r\n", [.head(method: "get", target: "/", keepsAlive: false), .end]),
        (
            "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
            [.head(method: "get", target: "/", keepsAlive: true), .end]
        ),
        (
            "POST /set HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n",
            [.head(method: "post", target: "/set", keepsAlive: true), .body(Array("hello".utf8)), .end, get, .end]
        ),
        (
            "PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
            [.head(method: "put", target: "/k", keepsAlive: true), .end]
        ),
        (
            "POST /set HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "5\r\nhello\r\n1;name=\"x\"\r\n \r\n00A\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\nGET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n",
            [
                .head(method: "post", target: "/set", keepsAlive: true), .body(Array("hello 0123456789".utf8)), .end,
                get, .end,
            ]
        ),
        (
            "DELETE http://h:80/k HTTP/1.1\r\nHost: h:80\r\n\r\n",
            [.head(method: "delete", target: "http://h:80/k", keepsAlive: true), .end]
        ),
    ]

    @Test("requests are read whole, one after the other")
    func whole() {
        for (wire, events) in Self.streams { #expect(transcript(of: wire) == events) }
    }

    @Test("a stream may be cut anywhere, once, or after every byte")
    func cuts() {
        for (wire, events) in Self.streams {
            let bytes = Array(wire.utf8)
            for cut in 0...bytes.count {
                #expect(transcript(of: [Array(bytes[..<cut]), Array(bytes[cut...])]) == events, "cut at \(cut)")
            }
            #expect(transcript(of: bytes.map { [$0] }) == events)
        }
    }

    @Test("a truncated stream asks for more and is never taken for a whole request")
    func truncations() {
        for (wire, events) in Self.streams {
            let bytes = Array(wire.utf8)
            for end in 0..<bytes.count {
                let partial = transcript(of: [Array(bytes[..<end])])
                #expect(partial.filter { $0 == .end }.count < events.filter { $0 == .end }.count, "cut at \(end)")
                #expect(!partial.contains { if case .fault = $0 { true } else { false } }, "cut at \(end)")
            }
        }
    }

    /// What two readers could take for two different things, or what is not HTTP at all.
    static let ambiguous = [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "NONSENSE\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "GET / http/1.1\r\nHost: a\r\n\r\n", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ** HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\rHost: a\r\r",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 0\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]

    @Test("what two readers could read differently is refused", arguments: ambiguous)
    func refused(wire: String) {
        #expect(transcript(of: wire).last == .fault(.malformed))
        // Byte by byte a head is looked at once its end has come, or the deadline.
        let dripped = transcript(of: wire.utf8.map { [$0] })
        #expect(dripped.isEmpty || dripped.last == .fault(.malformed))
    }

    @Test(
        "a chunk that is not exactly one is refused",
        arguments: [
            "g\r\n", "\r\n", "-1\r\n", "0x1\r\na\r\n", " 1\r\na\r\n", "1 1\r\n", "1\na\r\n", "1\r\nab\r\n", "1\r\na\n",
            "1\r\na\rb", "1000000000000000\r\n", "1;\u{0}\r\na\r\n", "1;\r\na\r\n", "1;a=\r\na\r\n", "1;a=\"b\r\na\r\n",
            "1;a b\r\na\r\n", "1 ;a\r\na\r\n", "0\r\nbad trailer\r\n\r\n",
            "0\r\n folded: x\r\n\r\n",
        ])
    func badChunks(chunks: String) {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(transcript(of: head + chunks).last == .fault(.malformed))
        #expect(transcript(of: (head + chunks).utf8.map { [$0] }).last == .fault(.malformed))
    }

    @Test("every part is bounded, complete or not")
    func limits() {
        func letters(_ count: Int) -> String { String(repeating: "a", count: count) }
        let host = "HTTP/1.1\r\nHost: a\r\n"
        #expect(transcript(of: "GET /\(letters(8191)) \(host)\r\n").last == .end)
        #expect(transcript(of: "GET /\(letters(8192)) \(host)\r\n") == [.fault(.targetTooLong)])
        #expect(transcript(of: "GET /\(letters(10_000))") == [.fault(.targetTooLong)])
        #expect(transcript(of: "GET / \(host)X: \(letters(16_300))\r\n\r\n").last == .end)
        #expect(transcript(of: "GET / \(host)X: \(letters(16_400))\r\n\r\n") == [.fault(.headTooLarge)])
        #expect(transcript(of: "GET / \(host)X: \(letters(100_000))") == [.fault(.headTooLarge)])
        let fields = { (count: Int) in (0..<count).map { "X\($0): a\r\n" }.joined() }
        #expect(transcript(of: "GET / \(host)\(fields(99))\r\n").last == .end)
        #expect(transcript(of: "GET / \(host)\(fields(100))\r\n") == [.fault(.headTooLarge)])
        let chunked = "POST / \(host)Transfer-Encoding: chunked\r\n\r\n"
        #expect(transcript(of: chunked + "1;\(letters(2000))").last == .fault(.malformed))
        #expect(transcript(of: chunked + "0\r\nX: \(letters(5000))").last == .fault(.headTooLarge))
        #expect(transcript(of: chunked + "0\r\n" + fields(1000)).last == .fault(.headTooLarge))
    }

    @Test("fields that somebody asks for are found in whatever case, white space around them left out")
    func fields() {
        let names: [(RequestField, String)] = [
            (.host, "HOST"), (.accept, "aCCept"), (.contentType, "content-type"), (.ifNoneMatch, "If-None-Match"),
            (.authorization, "Authorization"), (.requestID, "X-Request-Id"), (.traceparent, "traceparent"),
            (.replicationToken, "Replication-Token"), (.replicationAfter, "REPLICATION-AFTER"),
            (.replicationWait, "Replication-Wait"), (.expect, "Expect"), (.connection, "Connection"),
            (.contentLength, "Content-Length"),
        ]
        let lines = names.map { field, name in
            "\(name): \t\(field == .contentLength ? "12" : "v\(field.rawValue)")  \r\nX-\(name): no\r\n"
        }
        let wire = Array(("GET / HTTP/1.1\r\n" + lines.joined() + "accept: second\r\n\r\n").utf8)
        var decoder = RequestDecoder()
        var offset = 0
        guard case .head(let head) = decoder.next(wire.span, from: &offset) else {
            Issue.record("no head")
            return
        }
        for (field, name) in names {
            let value = head.value(of: field).map { String(decoding: wire[$0], as: UTF8.self) }
            #expect(value == (field == .contentLength ? "12" : "v\(field.rawValue)"), "\(name)")
        }
        #expect(head.value(of: .transferEncoding) == nil)
        #expect(head.body == .length(12))
    }

    @Test("an expectation is heard from HTTP/1.1 alone")
    func expectations() throws {
        func expects(_ wire: String) -> Bool? {
            var decoder = RequestDecoder()
            var offset = 0
            let bytes = Array(wire.utf8)
            guard case .head(let head) = decoder.next(bytes.span, from: &offset) else { return nil }
            return head.expectsContinue
        }
        #expect(expects("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n") == true)
        #expect(expects("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n") == false)
        #expect(expects("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-continue\r\nContent-Length: 1\r\n\r\n") == false)
        #expect(expects("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n") == false)
    }
}
