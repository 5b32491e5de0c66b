import Testing

@testable import KeyValueService

@Suite("Dates")
struct HTTPDateTests {
    @Test func `a date is written as HTTP wants it`() {
        #expect(HTTPDate(secondsSinceEpoch: 784_111_777).text == Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8))
    }
}
