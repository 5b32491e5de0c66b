/// One request of the load.
struct LoadRequest: Hashable, Sendable, CustomStringConvertible {
    enum Action: Hashable, Sendable {
        /// `GET /get?key=…`, answered in JSON.
        case get
        /// `GET /v1/keys/…`, answered by the value alone.
        case rawGet
        /// `POST /set`.
        case set(counter: Int)
        /// `PUT /v1/keys/…`.
        case put(counter: Int)
        /// `POST /v1/batch` of one set.
        case batch(counter: Int)
        /// `GET /v1/keys/…` of the master, after a write was reported as not applied: its value must not be there.
        case check(refused: Int)
    }

    /// Whether the readers use `GET /v1/keys/{key}` in turns with `/get`.
    static let readsRawValues = true

    let action: Action
    /// An index into ``NamedValue/keys``.
    let key: Int

    var description: String {
        switch action {
        case .get: "GET /get of \(NamedValue.keys[key])"
        case .rawGet: "GET /v1/keys of \(NamedValue.keys[key])"
        case .set(let counter): "SET of \(NamedValue.keys[key])#\(counter)"
        case .put(let counter): "PUT of \(NamedValue.keys[key])#\(counter)"
        case .batch(let counter): "batch of \(NamedValue.keys[key])#\(counter)"
        case .check(let refused): "GET /v1/keys of \(NamedValue.keys[key]) after the refusal of #\(refused)"
        }
    }

    /// The counter of the value that it writes; `nil` where it writes nothing.
    var written: Int? {
        switch action {
        case .set(let counter), .put(let counter), .batch(let counter): counter
        case .get, .rawGet, .check: nil
        }
    }

    var isWrite: Bool { written != nil }

    /// Whether it can be answered by the master alone.
    var needsMaster: Bool { if case .check = action { true } else { isWrite } }

    var wire: [UInt8] {
        let name = NamedValue.keys[key]
        switch action {
        case .get: return Array("GET /get?key=\(name) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        case .rawGet: return Array("GET /v1/keys/\(name) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        case .set(let counter):
            let body =
                Array(#"{"key":"\#(name)","value":""#.utf8) + NamedValue.bytes(key: key, counter: counter)
                + Array(#""}"#.utf8)
            let head =
                "POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
            return Array(head.utf8) + body
        case .put(let counter):
            let value = NamedValue.bytes(key: key, counter: counter)
            return Array("PUT /v1/keys/\(name) HTTP/1.1\r\nHost: a\r\nContent-Length: \(value.count)\r\n\r\n".utf8)
                + value
        case .batch(let counter):
            let body =
                Array(#"{"operations":[{"set":"\#(name)","value":""#.utf8)
                + NamedValue.bytes(key: key, counter: counter) + Array(#""}]}"#.utf8)
            let type = "Content-Type: application/json\r\n"
            let head = "POST /v1/batch HTTP/1.1\r\nHost: a\r\n\(type)Content-Length: \(body.count)\r\n\r\n"
            return Array(head.utf8) + body
        case .check: return Array("GET /v1/keys/\(name)?max-lag=1ms HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        }
    }
}

/// One answer as it came off the wire.
struct WireAnswer: Sendable {
    var status: Int
    /// Names in small letters.
    var headers: [String: String]
    var body: ArraySlice<UInt8>

    enum Cut {
        case incomplete
        case notHTTP(String)
        case answer(WireAnswer, length: Int)
    }

    /// Cuts the first answer off what has been received.
    static func cut(from bytes: ArraySlice<UInt8>) -> Cut {
        guard let headLength = bytes.lengthOfHead else { return .incomplete }
        let head = String(decoding: bytes.prefix(headLength - 4), as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else { return .notHTTP(head) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return .notHTTP(head) }
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        guard let bodyLength = status == 204 ? 0 : headers["content-length"].flatMap({ Int($0) }) else {
            return .notHTTP(head)
        }
        guard bytes.count >= headLength + bodyLength else { return .incomplete }
        let answer = WireAnswer(
            status: status, headers: headers, body: bytes.dropFirst(headLength).prefix(bodyLength))
        return .answer(answer, length: headLength + bodyLength)
    }
}

/// What an answer is worth as the answer to one certain request.
enum Verdict: Hashable, Sendable {
    /// The value is the key's own.
    case value(counter: Int, isStale: Bool)
    /// The write is acknowledged.
    case stored
    /// The app says that it cannot, by 503 or 504; of a write, that it was surely not applied.
    case unavailable(status: Int, code: String)
    /// The app says that it does not know whether the write was applied.
    case unknown
    /// Not an answer to this request.
    case wrong(String)

    init(of answer: WireAnswer, to request: LoadRequest) {
        switch (answer.status, request.action) {
        case (201, .put), (204, .put): self = answer.body.isEmpty ? .stored : .wrong("a body: \(answer.excerpt)")
        case (200, _):
            switch request.action {
            case .get: self = .ofGet(answer, key: request.key)
            case .rawGet: self = .ofValue(answer.body, in: answer, key: request.key)
            case .set(let counter): self = .ofSet(answer, key: request.key, counter: counter)
            case .put: self = .wrong("200 to a PUT")
            case .batch: self = .ofBatch(answer)
            case .check(let refused):
                self = .ofValue(answer.body, in: answer, key: request.key)
                if case .value(refused, _) = self { self = .wrong("told as not applied, and stored: #\(refused)") }
            }
        case (503, _), (504, _):
            let code = String(decoding: answer.body, as: UTF8.self).string(after: #""code":""#)
            guard answer.headers["content-type"] == "application/problem+json", let code else {
                self = .wrong("\(answer.status) without a problem: \(answer.excerpt)")
                return
            }
            self = .ofProblem(answer, code: code, isWrite: request.isWrite)
        default: self = .wrong("\(answer.status): \(answer.excerpt)")
        }
    }

    /// A write that was surely not applied may be repeated, and says when; one that is not known says neither.
    private static func ofProblem(_ answer: WireAnswer, code: String, isWrite: Bool) -> Verdict {
        guard (answer.headers["retry-after"] != nil) == (answer.status == 503) else {
            return .wrong("\(answer.status) \(code) with Retry-After \(answer.headers["retry-after"] ?? "missing")")
        }
        guard isWrite, answer.status == 504 else { return .unavailable(status: answer.status, code: code) }
        return code == "write-outcome-unknown" ? .unknown : .wrong("a write gets 504 \(code)")
    }

    private static func ofBatch(_ answer: WireAnswer) -> Verdict {
        switch String(decoding: answer.body, as: UTF8.self) {
        case #"{"results":[{"status":204}]}"#: .stored
        case #"{"results":[{"status":504,"code":"write-outcome-unknown"}]}"#: .unknown
        default: .wrong("not the results of a batch: \(answer.excerpt)")
        }
    }

    private static func ofGet(_ answer: WireAnswer, key: Int) -> Verdict {
        let name = NamedValue.keys[key]
        let start = Array(#"{"key":"\#(name)","value":"get \#(name): "#.utf8)
        guard answer.body.starts(with: start) else { return .wrong("not for \(name): \(answer.excerpt)") }
        let value = answer.body.dropFirst(start.count).prefix { $0 != UInt8(ascii: "\"") }
        let rest = answer.body[value.endIndex...]
        guard rest.isRest(action: "GET", role: nil) else { return .wrong("not as /get ends: \(answer.excerpt)") }
        return ofValue(value, in: answer, key: key)
    }

    private static func ofValue(_ value: ArraySlice<UInt8>, in answer: WireAnswer, key: Int) -> Verdict {
        guard let counter = NamedValue.counter(of: value, key: key) else {
            return .wrong("not a value of \(NamedValue.keys[key]): \(answer.excerpt)")
        }
        switch answer.headers["served-stale"] {
        case nil: return .value(counter: counter, isStale: false)
        case "true": return .value(counter: counter, isStale: true)
        case let other?: return .wrong("Served-Stale: \(other)")
        }
    }

    private static func ofSet(_ answer: WireAnswer, key: Int, counter: Int) -> Verdict {
        let start =
            Array(#"{"key":"\#(NamedValue.keys[key])","value":""#.utf8) + NamedValue.bytes(key: key, counter: counter)
        guard answer.body.starts(with: start),
            answer.body.dropFirst(start.count).isRest(action: "SET", role: "master")
        else { return .wrong("not for \(NamedValue.keys[key])#\(counter): \(answer.excerpt)") }
        return .stored
    }
}

extension WireAnswer {
    fileprivate var excerpt: String {
        let text = String(decoding: body.prefix(160), as: UTF8.self)
        return body.count > 160 ? text + "… (\(body.count) bytes)" : text
    }
}

extension ArraySlice<UInt8> {
    /// The bytes up to and with the empty line.
    fileprivate var lengthOfHead: Int? {
        withUnsafeBytes { bytes in
            var end = 4
            while end <= bytes.count {
                if bytes[end - 1] == 10, bytes[end - 2] == 13, bytes[end - 3] == 10, bytes[end - 4] == 13 { return end }
                end += 1
            }
            return nil
        }
    }

    /// Whether this is what follows a value in the app's JSON: `","redis_replication":"…","action":"…","pod_ip":"…"}`.
    fileprivate func isRest(action: String, role: String?) -> Bool {
        // INFO's own reply may have been cut.
        if role != nil, elementsEqual(#"","redis_replication":"","action":"\#(action)","pod_ip":"127.0.0.11"}"#.utf8) {
            return true
        }
        let start = ##"","redis_replication":"# Replication\r\nrole:"## + (role.map { $0 + #"\r\n"# } ?? "")
        let end = ##"\r\n","action":"\##(action)","pod_ip":"127.0.0.11"}"##
        return starts(with: Array(start.utf8)) && suffix(end.utf8.count).elementsEqual(Array(end.utf8))
    }
}
