import HTTPWire
import Testing

@testable import KeyValueService

@Suite("The request's target")
struct RequestTargetTests {
    @Test(arguments: [
        ("/get?key=key_1", "key_1"),
        ("/get?key=a+b%2Bc%20d", "a b+c d"),
        ("/get?a=1&key=first&key=second", "first"),
        ("/get?%6bey=k", "k"),
        ("/get?key=a=b", "a=b"),
        ("/get?key=%F0%9F%98%80", "😀"),
        ("/get?key=😀", "😀"),
        ("http://host:8080/get?key=k", "k"),
    ])
    func `gives the first key, decoded`(uri: String, key: String) throws {
        #expect(try queryValue("key", of: uri) == Array(key.utf8))
        #expect(path(of: uri) == Array("/get".utf8))
    }

    @Test func `tells no key from an empty one`() throws {
        #expect(try queryValue("key", of: "/get") == nil)
        #expect(try queryValue("key", of: "/get?") == nil)
        #expect(try queryValue("key", of: "/get?kex=1") == nil)
        #expect(try queryValue("key", of: "/get?key") == [])
        #expect(try queryValue("key", of: "/get?key=") == [])
    }

    @Test(arguments: ["/get?key=%", "/get?key=%4", "/get?key=%zz", "/get?key=a%2", "/get?%=1&key=k"])
    func `is refused where a percent sign is not followed by two digits`(uri: String) {
        #expect(throws: Problem.invalidPercentEncoding) { try queryValue("key", of: uri) }
    }

    @Test func `keeps bytes that are not UTF-8 for the caller to judge`() throws {
        #expect(try queryValue("key", of: "/get?key=%ff%00") == [0xFF, 0])
    }

    @Test(arguments: [
        ("/v1/keys/key_1", Array("key_1".utf8)), ("/v1/keys/a/b//c", Array("a/b//c".utf8)),
        ("/v1/keys/a+b%20c%2Fd", Array("a+b c/d".utf8)), ("/v1/keys/%ff%00", [0xFF, 0]), ("/v1/keys/", []),
        ("http://host/v1/keys/k?x=1", Array("k".utf8)),
    ])
    func `gives a key of the path, in which a plus is a plus`(uri: String, key: [UInt8]) throws {
        let bytes = Array(uri.utf8)
        #expect(try RequestTarget(bytes.span).pathValue(after: Route.keysPath) == key)
    }

    private func queryValue(_ name: StaticString, of uri: String) throws(Problem) -> [UInt8]? {
        let bytes = Array(uri.utf8)
        return try RequestTarget(bytes.span).queryValue(name)
    }

    private func path(of uri: String) -> [UInt8] {
        let bytes = Array(uri.utf8)
        let path = RequestTarget(bytes.span).path
        return path.indices.map { path[$0] }
    }
}

@Suite("Routes")
struct RouteTests {
    @Test(arguments: [
        ("/", RequestMethod.get, Route.root), ("/", .head, .root), ("", .get, .root), ("/get", .get, .get),
        ("/get", .head, .get), ("/v1/keys/k", .get, .key), ("/v1/keys/", .head, .key), ("/set", .post, .set),
        ("/v1/keys", .get, .keys), ("/v1/keys", .head, .keys), ("/v1/batch", .post, .batch),
        ("/v1/keys/x", .head, .key),
        ("/livez", .get, .live), ("/readyz", .get, .ready), ("/v1/topology", .get, .topology),
        ("/v1/topology/events", .head, .topologyEvents), ("/v1/topology/history", .get, .topologyHistory),
        ("/v1/demo", .get, .demo),
    ])
    func `lead to their handlers`(path: String, method: RequestMethod, route: Route) throws {
        #expect(try parse(path, method) == route)
    }

    @Test(arguments: [
        ("/get", RequestMethod.post, "GET, HEAD, OPTIONS"), ("/set", .get, "POST, OPTIONS"),
        ("/", .delete, "GET, HEAD, OPTIONS"),
    ])
    func `name the methods that they take`(path: String, method: RequestMethod, allowed: String) {
        #expect {
            try parse(path, method)
        } throws: { error in
            guard case Problem.methodNotAllowed(let text) = error else { return false }
            return text.description == allowed
        }
    }

    @Test(arguments: ["/nope", "/get/", "/Get", "//get", "/set%20", "/livezz", "/v1/key", "/v1/batch/", "/v1/keyz"])
    func `are spelled exactly`(path: String) {
        #expect(throws: Problem.unknownPath) { try parse(path, .get) }
    }

    private func parse(_ path: String, _ method: RequestMethod) throws(Problem) -> Route {
        let bytes = Array(path.utf8)
        return try Route(path: bytes.span, method: method)
    }
}
