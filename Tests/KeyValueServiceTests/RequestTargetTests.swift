import NIOHTTP1
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
        #expect(try RequestTarget(uri).queryValue("key") == Array(key.utf8))
        #expect(RequestTarget(uri).path.elementsEqual("/get".utf8))
    }

    @Test func `tells no key from an empty one`() throws {
        #expect(try RequestTarget("/get").queryValue("key") == nil)
        #expect(try RequestTarget("/get?").queryValue("key") == nil)
        #expect(try RequestTarget("/get?kex=1").queryValue("key") == nil)
        #expect(try RequestTarget("/get?key").queryValue("key") == [])
        #expect(try RequestTarget("/get?key=").queryValue("key") == [])
    }

    @Test(arguments: ["/get?key=%", "/get?key=%4", "/get?key=%zz", "/get?key=a%2", "/get?%=1&key=k"])
    func `is refused where a percent sign is not followed by two digits`(uri: String) {
        #expect(throws: Problem.invalidPercentEncoding) { try RequestTarget(uri).queryValue("key") }
    }

    @Test func `keeps bytes that are not UTF-8 for the caller to judge`() throws {
        #expect(try RequestTarget("/get?key=%ff%00").queryValue("key") == [0xFF, 0])
    }
}

@Suite("Routes")
struct RouteTests {
    @Test(arguments: [
        ("/", HTTPMethod.GET, Route.hostname), ("/", .HEAD, .hostname), ("", .GET, .hostname), ("/get", .GET, .get),
        ("/get", .HEAD, .get), ("/set", .POST, .set), ("/livez", .GET, .live), ("/readyz", .GET, .ready),
    ])
    func `lead to their handlers`(path: String, method: HTTPMethod, route: Route) throws {
        #expect(try Route(path: Array(path.utf8)[...], method: method) == route)
    }

    @Test(arguments: [("/get", HTTPMethod.POST, "GET, HEAD"), ("/set", .GET, "POST"), ("/", .DELETE, "GET, HEAD")])
    func `name the methods that they take`(path: String, method: HTTPMethod, allowed: String) {
        #expect {
            try Route(path: Array(path.utf8)[...], method: method)
        } throws: { error in
            guard case Problem.methodNotAllowed(let text) = error else { return false }
            return text.description == allowed
        }
    }

    @Test(arguments: ["/nope", "/get/", "/Get", "//get", "/set%20", "/livezz"])
    func `are spelled exactly`(path: String) {
        #expect(throws: Problem.unknownPath) { try Route(path: Array(path.utf8)[...], method: .GET) }
    }
}
