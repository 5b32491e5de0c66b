import HTTPWire
import LivePage
import NIOCore
import Testing

@testable import KeyValueService

@Suite("The live page's answer")
struct PageAnswerTests {
    @Test func `carries a number of its own in the policy, the style and the script`() throws {
        let page = PageAnswer()
        let nonces = try (0..<2).map { _ in
            let response = page.response()
            let policy = String(decoding: response.head.fields, as: UTF8.self)
            let body = String(buffer: response.body)
            let nonce = try #require(body.firstMatch(of: /<style nonce="([0-9a-f]{32})">/)).1
            #expect(body.contains("<script nonce=\"\(nonce)\">"))
            #expect(body.ranges(of: "nonce=\"").count == 2)
            #expect(!body.contains("{nonce}"))
            #expect(policy.contains("default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)';"))
            return String(nonce)
        }
        #expect(nonces[0] != nonces[1])
    }

    @Test func `asks for nothing from outside, and writes no markup`() {
        let html = String(decoding: LivePage.html, as: UTF8.self)
        for word in ["http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            // But for the name of SVG, which is no address.
            #expect(!html.replacing("http://www.w3.org/2000/svg", with: "").contains(word), "\(word)")
        }
    }

    @Test func `names addresses below its own alone, so that it works below a prefix, and is small`() {
        let html = String(decoding: LivePage.html, as: UTF8.self)
        for mark in ["\"", "'", "`", "("] { #expect(!html.contains("\(mark)/v1"), "\(mark)/v1") }
        #expect(!html.contains("href=\"/"))
        #expect(html.utf8.count < 100_000)
    }

    @Test(arguments: [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true), ("text/html", true),
        ("TEXT/HTML;q=0.1", true), ("text/*", true), ("*/*", false), ("text/html;q=0, */*", false),
        ("application/json", false), ("text/plain", false), (nil, false),
    ])
    func `is for those who name HTML`(accept: String?, isPage: Bool) throws {
        let field = accept.map { "Accept: \($0)\r\n" } ?? ""
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n".utf8)
        var decoder = RequestDecoder()
        var offset = 0
        guard case .head(let head) = decoder.next(bytes.span, from: &offset) else {
            Issue.record("no head")
            return
        }
        #expect(RequestView(head, in: bytes.span).asksForHTML == isPage)
    }
}
