import NIOCore
import RedisClient
import Testing

@testable import KeyValueService

@Suite("The body of POST /v1/batch")
struct BatchRequestTests {
    private static let a = Array("a".utf8)
    private static let x = Array("x".utf8)

    @Test(arguments: [
        (#"{"get":"a"}"#, BatchOperation.get(key: a)), (#"{"get_base64":"YQ=="}"#, .get(key: a)),
        (#"{"get_base64":"/w=="}"#, .get(key: [0xFF])), (#"{"delete":"a"}"#, .delete(key: a)),
        (#"{"delete_base64":"YQ=="}"#, .delete(key: a)),
        (#"{"set":"a","value":"x"}"#, .set(key: a, value: x, timeToLive: nil, ifAbsent: false)),
        (#"{"value_base64":"eA==" , "set_base64":"YQ=="}"#, .set(key: a, value: x, timeToLive: nil, ifAbsent: false)),
        (#"{"set":"a","value":"","if_absent":true}"#, .set(key: a, value: [], timeToLive: nil, ifAbsent: true)),
        (#"{"set":"a","value":"","if_absent":false}"#, .set(key: a, value: [], timeToLive: nil, ifAbsent: false)),
        (#"{"ttl":"30s","set":"a","value":"x"}"#, .set(key: a, value: x, timeToLive: 30_000, ifAbsent: false)),
        (#"{"\u0073et":"\u0061","value_base64":""}"#, .set(key: a, value: [], timeToLive: nil, ifAbsent: false)),
    ])
    func `holds operations`(text: String, operation: BatchOperation) throws {
        #expect(try parse(text) == [operation])
        #expect(try parse("\(text) ,\n\(text)") == [operation, operation])
    }

    @Test func `writes if one of them does`() throws {
        for (operations, hasWrites) in [
            (#"{"get":"a"},{"get":"b"}"#, false), (#"{"get":"a"},{"delete":"b"}"#, true),
            (#"{"set":"a","value":""}"#, true),
        ] {
            let body = Array("{\"operations\":[\(operations)]}".utf8)
            #expect(try BatchRequest(parsing: body.span).hasWrites == hasWrites)
        }
    }

    @Test(arguments: [
        (#"{"get":""}"#, Problem.emptyKey), (#"{"set_base64":"","value":"x"}"#, .emptyKey),
        (#"{"get":1}"#, .memberNotText("get")),
        (#"{"set":"a","value":null}"#, .memberNotText("value")),
        (#"{"set":"a","value":"x","ttl":30}"#, .memberNotText("ttl")),
        (#"{"set":"a","value":"x","ttl":"30"}"#, .invalidDuration("ttl", .timeToLive)),
        (#"{"set":"a","value":"x","ttl":"0s"}"#, .invalidDuration("ttl", .timeToLive)),
        (#"{"get":"a","x":1}"#, .unknownMember),
        (#"{"Get":"a"}"#, .unknownMember), (#"{"set":"a","value":"x","if_present":true}"#, .unknownMember),
    ])
    func `is refused where a member is not what it has to be`(text: String, problem: Problem) {
        #expect(throws: problem) { try parse(text) }
    }

    @Test(arguments: [
        "{}", #"{"value":"x"}"#, #"{"set":"a"}"#, #"{"set":"a","ttl":"1s"}"#,
        #"{"set":"a","value":"x","value_base64":"eA=="}"#,
        #"{"get":"a","get_base64":"YQ=="}"#, #"{"get":"a","delete":"a"}"#, #"{"get":"a","value":"x"}"#,
        #"{"delete":"a","ttl":"1s"}"#, #"{"get":"a","if_absent":true}"#, #"{"set":"a","value":"x","if_absent":1}"#,
        #"{"set":"a","value":"x","if_absent":null}"#, #"{"set":"a","value_base64":"eA"}"#, #"{"get_base64":"?"}"#,
    ])
    func `is refused with the place of the operation that is none`(text: String) {
        #expect {
            try parse("{\"get\":\"a\"},\(text)")
        } throws: { error in
            guard case Problem.invalidOperation(place: 1, reason: let reason) = error else { return false }
            return !reason.description.isEmpty
        }
    }

    @Test(arguments: [
        "", "[]", "null", #"{"operations":{}}"#, #"{"operations":[1]}"#, #"{"operations":["get"]}"#,
        #"{"operations":[{"get":"a"},]}"#,
        #"{"operations":[{"get":"a"}"#, #"{"operations":[{"get":"a","get":"a"}]}"#, #"{"operations":[{"get":"a"}]} x"#,
        #"{"operations":[{"get":"a"}],"operations":[]}"#, #"{"operations":[{"get":"a"} {"get":"a"}]}"#,
        #"{"operations":null}"#,
        #"{"operations":[{"set":"a","value":"x","if_absent":tru}]}"#,
    ])
    func `is refused where it is not the JSON that is expected`(body: String) {
        #expect {
            try BatchRequest(parsing: Array(body.utf8).span)
        } throws: { error in
            guard case Problem.invalidJSON(let reason) = error else { return false }
            return !reason.isEmpty
        }
    }

    @Test func `has 1 to 1000 operations, and nothing beside them`() throws {
        let operation = #"{"get":"a"}"#
        #expect(try parse(Array(repeating: operation, count: 1000).joined(separator: ",")).count == 1000)
        for operations in ["", Array(repeating: operation, count: 1001).joined(separator: ",")] {
            #expect(throws: Problem.batchSize(1...1000)) { try parse(operations) }
        }
        #expect(throws: Problem.missingMember("operations")) { try BatchRequest(parsing: Array("{}".utf8).span) }
        #expect(throws: Problem.unknownMember) { try BatchRequest(parsing: Array(#"{"operation":[]}"#.utf8).span) }
    }

    @Test func `every truncation and random change is read or refused, never a trap`() {
        let body = Array(
            #"{"operations":[{"set":"a","value_base64":"eA==","ttl":"500ms","if_absent":true},{"get":"\ud83d\ude00"}]}"#
                .utf8)
        for end in 0..<body.count {
            #expect(throws: Problem.self) { try BatchRequest(parsing: Array(body[..<end]).span) }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var changed = body
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            _ = try? BatchRequest(parsing: changed.span)
        }
    }

    private func parse(_ operations: String) throws -> [BatchOperation] {
        let body = Array("{\"operations\":[\(operations)]}".utf8)
        return try BatchRequest(parsing: body.span).operations
    }
}

@Suite("The results of a batch")
struct BatchResultsTests {
    private static let get = BatchOperation.get(key: [1])
    private static let set = BatchOperation.set(key: [1], value: [2], timeToLive: nil, ifAbsent: false)
    private static let setIfAbsent = BatchOperation.set(key: [1], value: [2], timeToLive: nil, ifAbsent: true)
    private static let delete = BatchOperation.delete(key: [1])

    @Test func `each tell what became of their operation`() {
        var results = BatchResults()
        results.expect(["$v\"", "_", "-WRONGTYPE x"], for: Self.get)
        results.expect(bytes: [0xFF], for: Self.get)
        results.expect(["+OK", "-OOM x"], for: Self.set)
        results.expect(["+OK", "_"], for: Self.setIfAbsent)
        results.expect([":1", ":0"], for: Self.delete)
        #expect(results.failureOfAll == nil)
        #expect(
            String(buffer: results.finished())
                == #"{"results":[{"status":200,"value":"v\""},{"status":404,"code":"key-not-found"},"#
                + #"{"status":409,"code":"wrong-type"},{"status":200,"value_base64":"/w=="},{"status":204},"#
                + #"{"status":507,"code":"redis-out-of-memory"},{"status":201},{"status":412,"code":"precondition-failed"},"#
                + #"{"status":204},{"status":404,"code":"key-not-found"}]}"#)
    }

    @Test(arguments: [
        ("+OK", get), (":1", get), ("$x", set), (":1", set), ("_", delete), ("+OK", delete), ("$x", delete),
    ])
    func `trust no reply that the operation never gets`(reply: String, operation: BatchOperation) {
        var results = BatchResults()
        let isTaken = results.take(reply, for: operation)
        #expect(!isTaken)
    }

    @Test(arguments: [
        (["-LOADING x", "-LOADING x"], Problem.redisUnavailable(role: "Redis server")), (["-NOAUTH x"], .redisDenied),
        (["-OOM x", "-OOM x"], .redisOutOfMemory), (["-READONLY x"], .redisReadOnly), (["-OOM x", "+OK"], nil),
        (["+OK", "-OOM x"], nil), (["-OOM x", "-MISCONF x"], nil), (["-WRONGTYPE x"], nil),
        (["-OOM x", "-WRONGTYPE x"], nil),
        (["-READONLY x", "+OK"], nil), (["+OK", "-READONLY x"], nil), (["-READONLY x", "-OOM x"], .redisReadOnly),
        ([], nil),
    ])
    func `fail as one where nothing was done and one cure is that of all`(replies: [String], problem: Problem?) {
        var results = BatchResults()
        results.expect(replies, for: Self.set)
        #expect(results.failureOfAll == problem, "\(replies)")
    }

    @Test func `fail as one on a replica that still serves gets`() {
        var results = BatchResults()
        results.expect(["$v"], for: Self.get)
        results.expect(["-READONLY x"], for: Self.set)
        results.expect(["_"], for: Self.get)
        #expect(results.failureOfAll == .redisReadOnly)
    }

    @Test func `leave out the values that one answer cannot hold`() {
        var results = BatchResults(maximumBytes: 100)
        results.expect(["$" + String(repeating: "x", count: 80)], for: Self.get)
        results.expect(["$" + String(repeating: "\0", count: 15), "$y"], for: Self.get)
        let text = String(buffer: results.finished())
        #expect(
            text.hasSuffix(
                #","value":"\#(String(repeating: "x", count: 80))"},{"status":507,"code":"answer-too-large"},"#
                    + #"{"status":507,"code":"answer-too-large"}]}"#), "\(text)")
    }
}

extension BatchResults {
    fileprivate mutating func expect(_ replies: [String], for operation: BatchOperation) {
        for reply in replies {
            let isTaken = take(reply, for: operation)
            #expect(isTaken, "\(reply)")
        }
    }

    fileprivate mutating func expect(bytes: [UInt8], for operation: BatchOperation) {
        let isTaken = take(.bulk(bytes.span), to: operation)
        #expect(isTaken)
    }

    /// - Parameter reply: `+` a simple string, `-` an error, `$` a bulk string, `:` a number, `_` null.
    fileprivate mutating func take(_ reply: String, for operation: BatchOperation) -> Bool {
        let bytes = Array(reply.utf8.dropFirst())
        return switch reply.first {
        case "+": take(.simple(bytes.span), to: operation)
        case "-": take(.error(bytes.span), to: operation)
        case ":": take(.integer(Int64(reply.dropFirst()) ?? -1), to: operation)
        case "_": take(.null, to: operation)
        default: take(.bulk(bytes.span), to: operation)
        }
    }
}
