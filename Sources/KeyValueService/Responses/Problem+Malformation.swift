import HTTPWire

/// What the client learns of a request that could not be read: never the bytes that came, always what to change.
extension Malformation {
    /// Stable, as ``Problem/code`` is.
    var reason: StaticString {
        switch self {
        case .tlsHello: "tls-hello"
        case .proxyProtocol: "proxy-protocol"
        case .http2: "http-2"
        case .redisCommand: "redis-command"
        case .notHTTP: "not-http"
        case .missingVersion: "missing-version"
        case .version: "invalid-version"
        case .method: "invalid-method"
        case .requestLineSpace: "request-line-space"
        case .targetForm: "invalid-target"
        case .targetSpace: "space-in-target"
        case .targetCharacter: "control-character-in-target"
        case .bareLineFeed: "bare-line-feed"
        case .bareCarriageReturn: "bare-carriage-return"
        case .foldedLine: "folded-line"
        case .spaceBeforeColon: "space-before-colon"
        case .missingColon: "missing-colon"
        case .fieldName: "invalid-field-name"
        case .fieldCharacter: "control-character-in-field"
        case .missingHost: "missing-host"
        case .severalHosts: "several-hosts"
        case .invalidHost: "invalid-host"
        case .severalAuthorizations: "several-authorizations"
        case .invalidLength: "invalid-content-length"
        case .severalLengths: "several-content-lengths"
        case .lengthBesideCoding: "content-length-with-transfer-encoding"
        case .transferEncoding: "invalid-transfer-encoding"
        case .codingInHTTP10: "transfer-encoding-in-http-1-0"
        case .chunkLine: "invalid-chunk-size"
        case .chunkEnd: "chunk-too-long"
        case .trailer: "invalid-trailer"
        }
    }

    /// A sentence that says what was wrong, and the cure.
    var detail: String {
        switch self {
        case .tlsHello:
            "The client began with TLS, and this port speaks HTTP in clear text; use http://, or end TLS at a proxy in front."
        case .proxyProtocol:
            "The connection began with the PROXY protocol, which is not taken here; switch it off in the load balancer "
                + "(HAProxy: send-proxy, nginx: proxy_protocol)."
        case .http2: "This port speaks HTTP/1.1; have the client or the proxy use that, not HTTP/2 or HTTP/3."
        case .redisCommand:
            "This looks like a command of Redis, and this port speaks HTTP; send the command to a server of Redis, or try "
                + "GET /get?key=key_1 HTTP/1.1."
        case .notHTTP: "This is not HTTP; a request begins with a line such as GET /livez HTTP/1.1."
        case .missingVersion:
            "The request line ends behind the target, as in HTTP/0.9; write HTTP/1.1 behind it, as in GET /livez HTTP/1.1."
        case .version: "Behind the target of the request line HTTP/1.1 or HTTP/1.0 has to stand, and nothing else."
        case .method:
            "The method of the request line holds a character that no method has; write GET, PUT or another one."
        case .requestLineSpace:
            "The request line has white space where none may be; write METHOD, target and HTTP/1.1 with one space between them."
        case .targetForm: "The target of the request line has to begin with / or with http://HOST."
        case .targetSpace: "The target of the request line holds a space; write it as %20."
        case .targetCharacter: "The target of the request line holds a control character; write it as % and two digits."
        case .bareLineFeed:
            "A line of the request ends with a line feed alone; end it with a carriage return and a line feed."
        case .bareCarriageReturn:
            "A carriage return stands without a line feed behind it; end each line with both, and have none in a line."
        case .foldedLine:
            "A header line begins with white space, which once continued the line before; write each field on one line."
        case .spaceBeforeColon: "White space stands before the colon of a header line; leave it out."
        case .missingColon: "A header line has no colon behind its name; write Name: value."
        case .fieldName: "The name of a header field is empty, or holds a character that no name has."
        case .fieldCharacter: "The value of a header field holds a control character; leave it out."
        case .missingHost: "The field Host is missing, which HTTP/1.1 asks for; send one."
        case .severalHosts: "The field Host comes more than once; send one."
        case .invalidHost: "The value of Host is not a host, with or without a port."
        case .severalAuthorizations: "The field Authorization comes more than once; send one."
        case .invalidLength: "Content-Length has to be one number, in at most 18 decimal digits and nothing else."
        case .severalLengths: "Content-Length comes more than once; send one."
        case .lengthBesideCoding: "Content-Length and Transfer-Encoding are both there; send one of them."
        case .transferEncoding: "Transfer-Encoding has to say chunked, once."
        case .codingInHTTP10: "HTTP/1.0 has no Transfer-Encoding; send Content-Length, or use HTTP/1.1."
        case .chunkLine:
            "The line before a chunk has to be its size in hexadecimal digits, with well-formed extensions or none."
        case .chunkEnd:
            "A chunk does not end where its size says; have the size count its bytes, and a line end follow."
        case .trailer:
            "A line behind the last chunk is not a header field; write Name: value, and an empty line at the end."
        }
    }
}

extension RequestFault.HeadPart {
    /// The beginning of a sentence.
    var excess: StaticText {
        switch self {
        case .field: "A header field is larger than 16 KiB"
        case .fields: "The header fields are larger than 64 KiB together"
        case .number: "There are more than 100 header fields"
        case .trailers: "The fields behind the body are larger than 4 KiB"
        }
    }
}
