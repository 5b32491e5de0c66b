import Testing

@testable import KeyValueService

@Suite("Accept")
struct AcceptedTypesTests {
    @Test(arguments: [
        ("", "bytes"), ("*/*", "bytes"), ("*/*;q=0.1", "bytes"), ("application/*", "bytes"), (", ,", "bytes"),
        ("application/json", "json"), ("Application/JSON ; charset=utf-8", "json"),
        ("application/json;v=\"a,b;c\"", "json"),
        ("application/octet-stream", "bytes"), ("application/octet-stream, application/json", "bytes"),
        ("application/json, application/octet-stream", "bytes"), ("application/json, */*", "json"),
        ("application/json, text/plain, */*", "json"), ("*/*, application/json;q=0.9", "bytes"),
        ("application/*;q=0.5, application/json;q=0.6", "json"),
        ("application/*, application/octet-stream;q=0.5", "json"),
        ("application/json;q=0.5, application/octet-stream;q=0.499", "json"),
        ("application/json;q=0, */*", "bytes"), ("application/octet-stream;q=0, */*", "json"),
        ("application/octet-stream;q=0.0,application/*;q=0.001", "json"), ("application/json\t;\tq=1.000", "json"),
        ("application/json;Q=0.2, application/octet-stream;q=0.3", "bytes"), ("text/html, application/json", "json"),
        ("application/json;q=0.5;q=0.1, application/octet-stream;q=0.2", "bytes"),
    ])
    func `chooses what is wanted most, then what is named most closely, then the first offer`(
        field: String, form: String
    ) {
        #expect(best(field) == form)
    }

    @Test(arguments: [
        "text/html", "text/*", "*/*;q=0", "application/json;q=0", "application/jsonx", "application/jso", "json/*",
        "text/html, application/*;q=0.000", "applicatio/json",
        "application/octet-stream;q=0, application/json;q=0, */*",
    ])
    func `may allow none of the offers`(field: String) {
        #expect(best(field) == nil)
    }

    @Test(arguments: [
        "application", "application/", "/json", "/", "*", "*/json", "application/json/x", "application /json",
        "application/json;q=2", "application/json;q=1.001", "application/json;q=0.0001", "application/json;q=",
        "a\"b\"/c",
        "application/json;q=.5", "application/json;q=-1", "application/json;q=00", "application/json;q=0.a", "\"",
        "\"\\",
        "application/json;q=\"1\"", "é/*",
    ])
    func `passes over what is not well-formed`(range: String) {
        #expect(best(range) == "bytes", "nothing else was sent")
        #expect(best("application/json, " + range) == "json" || range.hasPrefix("\""))
        #expect(best("\(range), text/html") == nil || range.hasPrefix("\""))
    }

    @Test func `is read whatever is in it, never a trap`() {
        var generator = SystemRandomNumberGenerator()
        let field = Array("application/json;q=0.5;a=\"b\\\",c\", application/*;q=1.000 ,*/*;q=0".utf8)
        for end in 0...field.count { _ = AcceptedTypes(Array(field[..<end]).span).best(of: ["application/json"]) }
        for _ in 0..<20_000 {
            var changed = field
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            _ = AcceptedTypes(changed.span).best(of: ["application/octet-stream", "application/json"])
        }
    }

    private func best(_ field: String) -> String? {
        AcceptedTypes(Array(field.utf8).span).best(of: ["application/octet-stream", "application/json"])
            .map { ["bytes", "json"][$0] }
    }
}
