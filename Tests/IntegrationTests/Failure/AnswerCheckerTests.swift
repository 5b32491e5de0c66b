import Testing

/// The checker itself: it has to see what the load is there to find.
@Suite("The load's checker")
struct AnswerCheckerTests {
    private static let head = ##","redis_replication":"# Replication\r\nrole:"##
    private static let tail = #"\r\n","action":"GET","pod_ip":"127.0.0.11"}"#

    private static func body(key: String = "key-03", of inner: String = "key-03", value: String) -> String {
        #"{"key":"\#(key)","value":"get \#(inner): \#(value)""# + head + "slave" + tail
    }

    private static func answer(_ status: Int, _ body: String, headers: [String: String] = [:]) -> WireAnswer {
        WireAnswer(status: status, headers: headers, body: Array(body.utf8)[...])
    }

    @Test(
        "calls a value its key's own only if it is so to the last byte",
        arguments: [
            (body(value: "key-03#2#cc"), true), (body(value: "key-03#0#"), true),
            (body(value: "key-04#2#cc"), false), (body(value: "key-03#2#c"), false),
            (body(value: "key-03#2#cd"), false), (body(value: "key-03#02#cc"), false), (body(value: ""), false),
            (body(key: "key-04", value: "key-03#2#cc"), false), (body(of: "key-04", value: "key-03#2#cc"), false),
            (body(value: "key-03#2#cc") + " ", false), (#"{"key":"key-03"}"#, false), ("", false),
        ])
    func values(body: String, isRight: Bool) {
        let verdict = Verdict(of: Self.answer(200, body), to: LoadRequest(action: .get, key: 3))
        if case .wrong = verdict { #expect(!isRight, "\(verdict)") } else { #expect(isRight, "\(verdict)") }
    }

    @Test("takes the value alone where it is asked for so")
    func rawValues() {
        let request = LoadRequest(action: .rawGet, key: 3)
        #expect(Verdict(of: Self.answer(200, "key-03#2#cc"), to: request) == .value(counter: 2, isStale: false))
        let stale = Self.answer(200, "key-03#2#cc", headers: ["served-stale": "true"])
        #expect(Verdict(of: stale, to: request) == .value(counter: 2, isStale: true))
        let other = Verdict(of: Self.answer(200, "key-04#2#cc"), to: request)
        if case .wrong = other {} else { Issue.record("\(other)") }
    }

    @Test("takes a write's answer only with its own key and value, from a master")
    func writes() {
        let right = #"{"key":"key-03","value":"key-03#2#cc""# + Self.head + "master" + Self.tail
        let set = LoadRequest(action: .set(counter: 2), key: 3)
        func verdict(_ body: String) -> Verdict { Verdict(of: Self.answer(200, body), to: set) }
        #expect(verdict(right.replacing("GET", with: "SET")) == .stored)
        for wrong in [
            right, right.replacing("GET", with: "SET").replacing("master", with: "slave"),
            right.replacing("GET", with: "SET").replacing("#2#", with: "#1#"),
        ] {
            if case .wrong = verdict(wrong) {} else { Issue.record("\(wrong)") }
        }
    }

    @Test("lets an app be unavailable by 503 and 504 with a problem, and by nothing else")
    func errors() {
        let problem = #"{"type":"/problems/redis-timeout","code":"redis-timeout"}"#
        let json = ["content-type": "application/problem+json"]
        func verdict(_ status: Int, _ headers: [String: String]) -> Verdict {
            var headers = headers
            if status == 503 { headers["retry-after"] = "1" }
            return Verdict(of: Self.answer(status, problem, headers: headers), to: LoadRequest(action: .get, key: 3))
        }
        for status in [503, 504] {
            #expect(verdict(status, json) == .unavailable(status: status, code: "redis-timeout"))
            if case .wrong = verdict(status, [:]) {} else { Issue.record("\(status) without a type") }
        }
        for status in [404, 500, 502, 201] {
            if case .wrong = verdict(status, json) {} else { Issue.record("\(status)") }
        }
    }

    @Test("tells the three outcomes of a write apart")
    func outcomes() {
        let json = ["content-type": "application/problem+json"]
        let retry = ["content-type": "application/problem+json", "retry-after": "1"]
        let unknown = #"{"code":"write-outcome-unknown"}"#
        for action in [LoadRequest.Action.set(counter: 2), .put(counter: 2), .batch(counter: 2)] {
            let request = LoadRequest(action: action, key: 3)
            #expect(Verdict(of: Self.answer(504, unknown, headers: json), to: request) == .unknown)
            let refused = Verdict(of: Self.answer(503, #"{"code":"redis-read-only"}"#, headers: retry), to: request)
            #expect(refused == .unavailable(status: 503, code: "redis-read-only"))
            for (status, body, headers) in [
                (504, unknown, retry), (503, #"{"code":"redis-read-only"}"#, json),
                (504, #"{"code":"redis-timeout"}"#, json),
            ] {
                let verdict = Verdict(of: Self.answer(status, body, headers: headers), to: request)
                if case .wrong = verdict {} else { Issue.record("\(status) \(body): \(verdict)") }
            }
        }
        let check = LoadRequest(action: .check(refused: 2), key: 3)
        #expect(Verdict(of: Self.answer(200, "key-03#1#b"), to: check) == .value(counter: 1, isStale: false))
        if case .wrong = Verdict(of: Self.answer(200, "key-03#2#cc"), to: check) {} else { Issue.record("applied") }
    }

    @Test("cuts one answer after the other off the wire, at every split")
    func cuts() {
        let wire = Array(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nServed-Stale: true\r\n\r\nabcHTTP/1.1 503 No\r\n".utf8)
        let length = wire.count - 17
        for split in 0...wire.count {
            switch WireAnswer.cut(from: wire.prefix(split)) {
            case .incomplete: #expect(split < length)
            case .notHTTP(let head): Issue.record("\(head)")
            case .answer(let answer, let cut):
                #expect(split >= length)
                #expect(cut == length)
                #expect(answer.status == 200)
                #expect(answer.headers == ["content-length": "3", "served-stale": "true"])
                #expect(answer.body == Array("abc".utf8)[...])
            }
        }
    }

    @Test("the rounds hold every kind twice, and the seed decides the order")
    func order() {
        let kinds = FailureKind.rounds(20, seed: 1)
        #expect(kinds.count == 20)
        for kind in FailureKind.allCases { #expect(kinds.count { $0 == kind } >= 2) }
        #expect(kinds == FailureKind.rounds(20, seed: 1))
        #expect(kinds != FailureKind.rounds(20, seed: 2))
    }
}

extension String {
    /// The standard library's own would need Foundation or a regular expression.
    fileprivate func replacing(_ old: String, with new: String) -> String {
        split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
