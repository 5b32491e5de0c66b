import HTTPWire
import SeededRandomness
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

    /// What two readers could take for two different things, or what is not HTTP at all, and what it is called.
    static let refusals: [(wire: String, what: Malformation)] = {
        let head = "POST / HTTP/1.1\r\nHost: a\r\n"
        let requestLines: [(String, Malformation)] = [
            ("NONSENSE\r\n\r\n", .notHTTP), ("SSH-2.0-OpenSSH_9.2\r\n", .notHTTP), ("EHLO mail\r\n", .notHTTP),
            ("GET\r\n\r\n", .redisCommand), ("PING\r\n", .redisCommand), ("get key_1\r\n", .redisCommand),
            ("SET key_1 value\r\n", .redisCommand), ("*1\r\n$4\r\nPING\r\n", .redisCommand),
            ("$4\r\n", .redisCommand), ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", .tlsHello), ("\u{16}", .tlsHello),
            ("\u{16}\u{4}", .notHTTP), ("\0\0\0\u{8}", .notHTTP),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .proxyProtocol),
            ("PROXY UNKNOWN\r\n", .proxyProtocol), ("\r\n\r\n\0\r\nQUIT\n!\u{11}\0\u{c}", .proxyProtocol),
            ("\r\n\r\n\0", .proxyProtocol), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .http2), ("GET / HTTP/3\r\nHost: a\r\n\r\n", .http2),
            ("GET /\r\n\r\n", .missingVersion), ("GET /\n", .missingVersion), ("GET /get?key=k\r\n", .missingVersion),
            ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .version), ("GET / http/1.1\r\nHost: a\r\n\r\n", .version),
            ("GET / HTTP/1.1x\r\nHost: a\r\n\r\n", .version), ("GET / HTTQ/1.1\r\nHost: a\r\n\r\n", .version),
            ("OPTIONS /a RTSP/1.0\r\nHost: a\r\n\r\n", .version),
            ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .method), (" GET / HTTP/1.1\r\n\r\n", .requestLineSpace),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLineSpace),
            ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .requestLineSpace),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .requestLineSpace),
            ("GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", .targetCharacter),
            ("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", .targetCharacter),
            ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .targetSpace),
            ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .targetForm),
            ("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", .targetForm),
            ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .targetForm),
            ("GET ** HTTP/1.1\r\nHost: a\r\n\r\n", .targetForm),
            ("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed), ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
            ("GET / HTTP/1.1\rHost: a\r\r", .bareCarriageReturn), ("\rGET / HTTP/1.1\r\n\r\n", .bareCarriageReturn),
            ("GET /\ra HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        ]
        let fields: [(String, Malformation)] = [
            ("X: a\n\r\n", .bareLineFeed), ("X\n\r\n", .bareLineFeed), ("X: a\rb\r\n\r\n", .bareCarriageReturn),
            ("\rX: a\r\n\r\n", .bareCarriageReturn), (" folded\r\n\r\n", .foldedLine),
            ("\tfolded: x\r\n\r\n", .foldedLine), ("X : a\r\n\r\n", .spaceBeforeColon),
            ("X\t: a\r\n\r\n", .spaceBeforeColon), ("X\r\n\r\n", .missingColon), ("X y: z\r\n\r\n", .missingColon),
            (": x\r\n\r\n", .fieldName), ("X(y): z\r\n\r\n", .fieldName), ("Xé: z\r\n\r\n", .fieldName),
            ("X: \0\r\n\r\n", .fieldCharacter), ("X: a\u{7f}\r\n\r\n", .fieldCharacter),
            ("Authorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n", .severalAuthorizations),
            ("Host: a\r\n\r\n", .severalHosts), ("Host: b\r\n\r\n", .severalHosts),
            ("Content-Length: 1\r\nContent-Length: 1\r\n\r\na", .severalLengths),
            ("Content-Length: 1\r\nContent-Length: 2\r\n\r\na", .severalLengths),
            ("Content-Length: 1, 1\r\n\r\na", .invalidLength), ("Content-Length: +1\r\n\r\na", .invalidLength),
            ("Content-Length: -1\r\n\r\n", .invalidLength), ("Content-Length:\r\n\r\n", .invalidLength),
            ("Content-Length: 0x1\r\n\r\na", .invalidLength), ("Content-Length: 1 0\r\n\r\na", .invalidLength),
            ("Content-Length: 9999999999999999999\r\n\r\n", .invalidLength),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .lengthBesideCoding),
            ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", .lengthBesideCoding),
            ("Transfer-Encoding: gzip, chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", .lengthBesideCoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .transferEncoding),
            ("Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", .transferEncoding),
            ("Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n", .fieldCharacter),
            ("Transfer-Encoding:\r\n\r\n0\r\n\r\n", .transferEncoding),
            ("Transfer-Encoding: ,\r\n\r\n0\r\n\r\n", .transferEncoding),
            ("Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", .transferEncoding),
        ]
        let hosts: [(String, Malformation)] = [
            ("GET / HTTP/1.1\r\n\r\n", .missingHost), ("GET / HTTP/1.1\r\nX: a\r\n\r\n", .missingHost),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .invalidHost),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
            ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedLine),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .codingInHTTP10),
        ]
        return requestLines + fields.map { (head + $0.0, $0.1) } + hosts
    }()

    @Test("what two readers could read differently is refused, and called by its name", arguments: refusals)
    func refused(wire: String, what: Malformation) {
        #expect(transcript(of: wire).last == .fault(.malformed(what)))
        // Byte by byte a head is looked at once its end has come, or the deadline.
        let dripped = transcript(of: wire.utf8.map { [$0] })
        guard case .fault(.malformed)? = dripped.last else {
            #expect(dripped.isEmpty)
            return
        }
    }

    @Test("what comes is never repeated by a name, and every name is met in a table")
    func names() {
        let met = Set(Self.refusals.map(\.what) + Self.chunks.map(\.what))
        #expect(Set(Malformation.allCases).subtracting(met) == [])
    }

    @Test(
        "another coding than chunked is distinguished from what cannot be read",
        arguments: [
            "gzip, chunked", "gzip", "identity", "xchunked", "chunked, gzip", "chunked;q=1", "GZIP , Chunked",
            "deflate;a=b",
            "gzip\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: gzip", "gzip,,chunked,",
        ])
    func foreignCodings(codings: String) {
        let wire = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \(codings)\r\n\r\n0\r\n\r\n"
        #expect(transcript(of: wire).last == .fault(.unknownTransferCoding))
    }

    @Test("chunked is recognized in any case and with empty places in the list")
    func chunkedAlone() {
        for coding in ["chunked", "CHUNKED", ",chunked", "chunked ,"] {
            let wire = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \(coding)\r\n\r\n1\r\na\r\n0\r\n\r\n"
            #expect(transcript(of: wire).suffix(2) == [.body([UInt8(ascii: "a")]), .end], "\(coding)")
        }
    }

    static let chunks: [(chunks: String, what: Malformation)] = [
        ("g\r\n", .chunkLine), ("\r\n", .chunkLine), ("-1\r\n", .chunkLine), ("0x1\r\na\r\n", .chunkLine),
        (" 1\r\na\r\n", .chunkLine), ("1 1\r\n", .chunkLine), ("1\na\r\n", .chunkLine), ("1\r\nab\r\n", .chunkEnd),
        ("1\r\na\n", .chunkEnd), ("1\r\na\rb", .chunkEnd), ("1000000000000000\r\n", .chunkLine),
        ("1;\u{0}\r\na\r\n", .chunkLine), ("1;\r\na\r\n", .chunkLine), ("1;a=\r\na\r\n", .chunkLine),
        ("1;a=\"b\r\na\r\n", .chunkLine), ("1;a b\r\na\r\n", .chunkLine), ("1 ;a\r\na\r\n", .chunkLine),
        ("0\r\nbad trailer\r\n\r\n", .trailer), ("0\r\n folded: x\r\n\r\n", .trailer),
    ]

    @Test("a chunk that is not exactly one is refused", arguments: chunks)
    func badChunks(chunks: String, what: Malformation) {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(transcript(of: head + chunks).last == .fault(.malformed(what)))
        #expect(transcript(of: (head + chunks).utf8.map { [$0] }).last == .fault(.malformed(what)))
    }

    @Test("no control character hides in a quoted string, behind a backslash or not, wherever one may stand")
    func quotedControls() {
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        let places: [(before: String, after: String)] = [
            (chunked + "\r\n1;a=\"", "\"\r\nx\r\n0\r\n\r\n"),
            (chunked + "\r\n1;b;a=\"x", "y\";c=d\r\nx\r\n0\r\n\r\n"),
            (chunked + "\r\n1\r\nx\r\n0;a=\"", "\"\r\n\r\n"),
            (chunked + "\r\n1\r\nx\r\n0\r\nT: \"", "\"\r\n\r\n"),
            (chunked + "X: \"", "\"\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
            (chunked + "Content-Type: application/json;a=\"", "\"\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
            (chunked + "Accept: a/b;a=\"", "\", */*\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
            (chunked + "If-Match: \"", "\"\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        ]
        for (before, after) in places {
            for byte: UInt8 in 0...255 {
                for quoted in [[byte], [UInt8(ascii: "\\"), byte]] {
                    let wire = Array(before.utf8) + quoted + Array(after.utf8)
                    // A quote or a backslash ends or goes on with the string in chunk extensions.
                    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { continue }
                    let isText = byte >= 0x20 ? byte != 0x7F : byte == UInt8(ascii: "\t")
                    let events = transcript(of: [wire])
                    if isText {
                        #expect(events.last == .end, "\(before.debugDescription) \(quoted)")
                    } else if case .fault(.malformed)? = events.last {
                        continue
                    } else {
                        Issue.record("taken: \(before.debugDescription) \(quoted) \(events)")
                    }
                }
            }
        }
    }

    @Test("a quoted string of a chunk extension ends at its quote, not at a quoted one, and nowhere else")
    func quotedEnds() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        for text in [#""""#, #""a\"b""#, #""\\""#, #""\\\"""#, "\"\t \u{e9}\""] {
            let events = transcript(of: head + "1;a=\(text)\r\nx\r\n0;b=\(text)\r\n\r\n")
            #expect(events.last == .end, "\(text)")
        }
        for text in [#"""#, #""\"#, #""\""#, #""a\\\""#, #""a"b"#, #""a";"#, #"a""#, #"'a b'"#] {
            let events = transcript(of: head + "1;a=\(text)\r\nx\r\n0\r\n\r\n")
            #expect(events.last == .fault(.malformed(.chunkLine)), "\(text)")
        }
    }

    @Test("names are found for random bytes too, without a trap")
    func randomRefusals() {
        var random = SplitMix64(seed: 20_261_129)
        let pieces = [
            "GET", " ", "/", "HTTP/1.1", "\r", "\n", "\r\n", ":", "a", "\t", "PROXY", "*", "1", "\u{7f}", "HTTP/2",
        ]
        var refused = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...12, using: &random)
            let wire = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            if case .fault(.malformed)? = transcript(of: wire).last { refused += 1 }
        }
        #expect(refused > 10_000)
    }

    @Test("every part is bounded, complete or not")
    func limits() {
        func letters(_ count: Int) -> String { String(repeating: "a", count: count) }
        let host = "HTTP/1.1\r\nHost: a\r\n"
        #expect(transcript(of: "GET /\(letters(8191)) \(host)\r\n").last == .end)
        #expect(transcript(of: "GET /\(letters(8192)) \(host)\r\n") == [.fault(.targetTooLong)])
        #expect(transcript(of: "GET /\(letters(10_000))") == [.fault(.targetTooLong)])
        #expect(transcript(of: "GET / \(host)X: \(letters(16_300))\r\n\r\n").last == .end)
        #expect(transcript(of: "GET / \(host)X: \(letters(16_400))\r\n\r\n") == [.fault(.headTooLarge(.field))])
        #expect(transcript(of: "GET / \(host)X: \(letters(100_000))") == [.fault(.headTooLarge(.fields))])
        let fields = { (count: Int) in (0..<count).map { "X\($0): a\r\n" }.joined() }
        #expect(transcript(of: "GET / \(host)\(fields(99))\r\n").last == .end)
        #expect(transcript(of: "GET / \(host)\(fields(100))\r\n") == [.fault(.headTooLarge(.number))])
        let chunked = "POST / \(host)Transfer-Encoding: chunked\r\n\r\n"
        #expect(transcript(of: chunked + "1;\(letters(2000))").last == .fault(.malformed(.chunkLine)))
        #expect(transcript(of: chunked + "0\r\nX: \(letters(5000))").last == .fault(.headTooLarge(.trailers)))
        #expect(transcript(of: chunked + "0\r\n" + fields(1000)).last == .fault(.headTooLarge(.trailers)))
    }

    @Test("fields are found in any case, without the white space around them")
    func fields() {
        let names: [(RequestField, String)] = [
            (.host, "HOST"), (.accept, "aCCept"), (.contentType, "content-type"), (.ifNoneMatch, "If-None-Match"),
            (.authorization, "Authorization"), (.requestID, "X-Request-Id"), (.traceparent, "traceparent"),
            (.replicationToken, "Replication-Token"), (.replicationAfter, "REPLICATION-AFTER"),
            (.replicationWait, "Replication-Wait"), (.expect, "Expect"), (.connection, "Connection"),
            (.contentLength, "Content-Length"), (.origin, "ORIGIN"), (.contentRange, "content-Range"),
            (.contentEncoding, "Content-Encoding"), (.secFetchSite, "Sec-Fetch-Site"),
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

    private static func head(_ wire: String) -> RequestHead? {
        var decoder = RequestDecoder()
        var offset = 0
        let bytes = Array(wire.utf8)
        guard case .head(let head) = decoder.next(bytes.span, from: &offset) else { return nil }
        return head
    }

    @Test("what few requests have is noted, and nothing else is")
    func unusual() {
        func isUnusual(_ method: String, _ field: String) -> Bool? {
            Self.head("\(method) / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")?.isUnusual
        }
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] { #expect(isUnusual(method, "X: y") == false) }
        for method in ["OPTIONS", "TRACE", "get", "PROPFIND"] { #expect(isUnusual(method, "X: y") == true) }
        for field in ["Accept: */*", "Expect: 100-continue", "If-None-Match: *", "Authorization: Bearer a"] {
            #expect(isUnusual("GET", field) == false, "\(field)")
        }
        for field in ["Origin: null", "Content-Range: bytes 0-1/2", "Content-Encoding: gzip", "Expect: a"] {
            #expect(isUnusual("GET", field) == true, "\(field)")
        }
    }

    @Test("an expectation is heard from HTTP/1.1 alone, and one that is not known is noted")
    func expectations() throws {
        func expects(_ wire: String) -> Bool? { Self.head(wire)?.expectsContinue }
        func expectsTheUnknown(_ fields: String, version: Int = 1) -> Bool? {
            Self.head("POST / HTTP/1.\(version)\r\nHost: a\r\n\(fields)\r\n\r\n")?.expectsTheUnknown
        }
        #expect(expectsTheUnknown("Expect: 100-continue") == false)
        #expect(expectsTheUnknown("Expect: 200-ok") == true)
        #expect(expectsTheUnknown("Expect: 100-continue\r\nExpect: x") == true)
        #expect(expectsTheUnknown("Expect: x", version: 0) == false)
        #expect(expects("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n") == true)
        #expect(expects("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n") == false)
        #expect(expects("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-continue\r\nContent-Length: 1\r\n\r\n") == false)
        #expect(expects("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n") == false)
    }
}
