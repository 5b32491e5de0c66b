import Testing

@testable import KeyValueService

@Suite("The body of POST /set")
struct SetRequestTests {
    @Test(arguments: [
        (#"{"key":"key_1","value":"value_1"}"#, "key_1", "value_1"),
        (#" { "value" : "v" , "key" : "k" } "#, "k", "v"),
        (#"{"key":"k","value":""}"#, "k", ""),
        (#"{"key":"\u0000","value":"a\u0000b"}"#, "\0", "a\0b"),
        (#"{"key":"\"\\\/\b\f\n\r\t","value":"é😀"}"#, "\"\\/\u{8}\u{c}\n\r\t", "é😀"),
        (#"{"key":"\ud83d\ude00","value":"\u00e9\u2028"}"#, "😀", "é\u{2028}"),
        (#"{"\u006bey":"k","value":"v"}"#, "k", "v"),
        (#"{"key":"k","more":[1,-2.5e+3,{"a":[null,true,false]}],"value":"v"}"#, "k", "v"),
    ])
    func `is read whatever its spelling`(body: String, key: String, value: String) throws {
        let request = try SetRequest(parsing: Array(body.utf8).span)
        #expect(request.key == Array(key.utf8))
        #expect(request.value == Array(value.utf8))
    }

    @Test(arguments: [
        "", " ", "null", "[]", "\"key\"", "{", "{\"key\"", "{\"key\":", "{\"key\":\"k", #"{"key":"k"}x"#,
        #"{"key":"k",}"#,
        #"{"key":"k" "value":"v"}"#, #"{key:"k"}"#, #"{'key':'k'}"#, "{\"key\":\"a\nb\"}", #"{"key":"\x"}"#,
        #"{"key":"\u12"}"#, #"{"key":"\ud83d"}"#, #"{"key":"\ud83dx"}"#, #"{"key":"\ud83d\u0041"}"#,
        #"{"key":"\ude00"}"#, #"{"key":"k","key":"k","value":"v"}"#, #"{"key":"k","\u006bey":"k","value":"v"}"#,
        #"{"a":01,"key":"k","value":"v"}"#, #"{"a":1.,"key":"k","value":"v"}"#, #"{"a":tru,"key":"k","value":"v"}"#,
    ])
    func `is refused where it is not strict JSON`(body: String) {
        #expect {
            try SetRequest(parsing: Array(body.utf8).span)
        } throws: { error in
            guard case Problem.invalidJSON(let reason) = error else { return false }
            return !reason.isEmpty
        }
    }

    @Test func `is refused where it is not UTF-8`() {
        #expect(throws: Problem.invalidJSON("it is not UTF-8")) {
            try SetRequest(parsing: (Array(#"{"key":""#.utf8) + [0xFF] + Array(#"","value":"v"}"#.utf8)).span)
        }
    }

    @Test func `is refused where a member is missing, no text, or the key is empty`() {
        #expect(throws: Problem.missingMember("key")) { try SetRequest(parsing: Array(#"{"value":"v"}"#.utf8).span) }
        #expect(throws: Problem.missingMember("value")) { try SetRequest(parsing: Array(#"{"key":"k"}"#.utf8).span) }
        #expect(throws: Problem.memberNotText("value")) {
            try SetRequest(parsing: Array(#"{"key":"k","value":1}"#.utf8).span)
        }
        #expect(throws: Problem.emptyKey) { try SetRequest(parsing: Array(#"{"key":"","value":"v"}"#.utf8).span) }
    }

    @Test func `nests only so deep, and has only so many members`() {
        let deep = #"{"key":"k","value":"v","x":"# + String(repeating: "[", count: 100_000)
        #expect(throws: Problem.invalidJSON("it nests deeper than 64")) {
            try SetRequest(parsing: Array(deep.utf8).span)
        }
        let wide = "{" + (0..<1000).map { "\"m\($0)\":0" }.joined(separator: ",") + "}"
        #expect(throws: Problem.invalidJSON("it has more than 64 members")) {
            try SetRequest(parsing: Array(wide.utf8).span)
        }
    }

    @Test func `every truncation and random change is read or refused, never a trap`() {
        let body = Array(#"{"key":"\ud83d\ude00\n","value":"v","more":[1,{"a":-2.5e3}],"b":true}"#.utf8)
        for end in 0..<body.count {
            #expect(throws: Problem.self) { try SetRequest(parsing: Array(body[..<end]).span) }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var changed = body
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            _ = try? SetRequest(parsing: changed.span)
        }
    }
}
