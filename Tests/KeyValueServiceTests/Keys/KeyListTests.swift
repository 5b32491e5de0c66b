import Testing

@testable import KeyValueService

@Suite("What a list of keys is asked for with")
struct KeyListRequestTests {
    private static let runID = "0123456789abcdef0123456789abcdef01234567"

    @Test func `is all keys from the beginning, where nothing is said`() throws {
        for target in ["/v1/keys", "/v1/keys?", "/v1/keys?prefix=&cursor=", "/v1/keys?other=1"] {
            let request = try parse(target)
            #expect(request.pattern.isEmpty && request.cursor == nil && request.limit == 100)
        }
    }

    @Test(arguments: [
        ("user:", "user:*"), ("*", "\\**"), ("a?b", "a\\?b*"), ("[a-z]", "\\[a-z\\]*"), ("\\", "\\\\*"), ("^x", "^x*"),
        ("a%20b+c", "a b c*"), ("%2A%5c", "\\*\\\\*"), ("a/b", "a/b*"),
    ])
    func `takes a prefix for what it is`(prefix: String, pattern: String) throws {
        #expect(try parse("/v1/keys?prefix=\(prefix)").pattern == Array(pattern.utf8))
    }

    @Test func `takes a prefix of any bytes`() throws {
        #expect(try parse("/v1/keys?prefix=%ff%00").pattern == [0xFF, 0, UInt8(ascii: "*")])
        #expect(throws: Problem.invalidPercentEncoding) { try parse("/v1/keys?prefix=%f") }
    }

    @Test(arguments: [("1", 1), ("100", 100), ("1000", 1000), ("007", 7)])
    func `has a limit`(text: String, limit: Int) throws {
        #expect(try parse("/v1/keys?limit=\(text)").limit == limit)
    }

    @Test(arguments: ["", "0", "1001", "-1", "+1", "1.0", "ten", "1%20", "99999999999999999999", "9223372036854775808"])
    func `has a limit between 1 and 1000`(text: String) {
        #expect(throws: Problem.invalidNumber("limit", 1...1000)) { try parse("/v1/keys?limit=\(text)") }
    }

    @Test(arguments: [("0", UInt64(0)), ("17", 17), ("18446744073709551615", .max)])
    func `goes on at a cursor, which is written as it is read`(text: String, position: UInt64) throws {
        let cursor = try #require(try parse("/v1/keys?cursor=\(Self.runID)-\(text)").cursor)
        #expect(cursor == ScanCursor(runID: Array(Self.runID.utf8), position: position))
        #expect(cursor.text == Array("\(Self.runID)-\(text)".utf8))
    }

    @Test(arguments: [
        "0", "-", "-0", runID, "\(runID)-", "\(runID)-x", "\(runID)--1", "\(runID)-+1", "\(runID)0-1",
        "\(runID.dropLast())-1",
        "\(runID.dropLast())g-1", "\(runID)-18446744073709551616", "\(runID)-99999999999999999999", "\(runID)-1-1",
        "\(runID) 1", "\(runID)-1%20", "\(runID)-%ff",
    ])
    func `refuses what is no cursor`(text: String) {
        #expect(throws: Problem.invalidCursor) { try parse("/v1/keys?cursor=\(text)") }
    }

    private func parse(_ target: String) throws(Problem) -> KeyListRequest {
        let bytes = Array(target.utf8)
        return try KeyListRequest(RequestTarget(bytes.span))
    }
}
