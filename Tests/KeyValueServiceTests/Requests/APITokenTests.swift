import Testing

@testable import KeyValueService

@Suite("The token of the API")
struct APITokenTests {
    @Test(arguments: [
        ("Bearer s3cret", true), ("bearer s3cret", true), ("BEARER   s3cret", true), ("Bearer s3cre", false),
        ("Bearer s3crets", false), ("Bearer s3crets3cret", false), ("Bearer S3cret", false), ("Bearer ", false),
        ("Bearer", false), ("", false), ("s3cret", false), ("Basic s3cret", false), ("Bearers3cret", false),
        ("Bearer\ts3cret", false), ("Bearer s3cret ", false), ("Bearer  ", false), ("Token s3cret", false),
    ])
    func `is shown behind its scheme, to the last byte`(authorization: String, isShown: Bool) {
        let bytes = Array(authorization.utf8)
        #expect(APIToken(Array("s3cret".utf8)).isShown(by: bytes.span) == isShown)
    }

    @Test func `is asked for wherever data or their names can be seen`() {
        #expect(Route.allCases.filter(\.isOpen) == [.root, .live, .ready, .openAPI])
    }
}
