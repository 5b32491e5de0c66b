public import NIOCore

/// JSON, written member by member, two blanks a level: for documents that people read too.
public struct JSONText {
    public private(set) var buffer = ByteBuffer()
    private var depth = 0
    private var isFirst = true

    public init() {}

    /// Writes an object; the body writes its members.
    public mutating func object(_ body: (inout JSONText) -> Void) { nest("{", "}", body) }

    public mutating func array<Element>(_ elements: [Element], _ body: (inout JSONText, Element) -> Void) {
        nest("[", "]") { json in
            for element in elements {
                json.separate()
                body(&json, element)
            }
        }
    }

    /// - Parameter name: without characters that need an escape.
    public mutating func member(_ name: StaticString, _ body: (inout JSONText) -> Void) {
        separate()
        buffer.writeString("\"\(name)\": ")
        body(&self)
    }

    public mutating func member(_ name: StaticString, _ text: String?) {
        member(name) { json in if let text { json.value(text) } else { json.null() } }
    }

    public mutating func member(_ name: StaticString, _ number: Int64?) {
        member(name) { json in if let number { json.buffer.writeString("\(number)") } else { json.null() } }
    }

    public mutating func member(_ name: StaticString, _ isSo: Bool) {
        member(name) { $0.buffer.writeStaticString(isSo ? "true" : "false") }
    }

    public mutating func value(_ text: String) {
        buffer.writeStaticString("\"")
        buffer.writeJSONEscaped(shown: text.utf8.span)
        buffer.writeStaticString("\"")
    }

    public mutating func null() { buffer.writeStaticString("null") }

    /// Ends the document with a line end.
    public mutating func end() { buffer.writeStaticString("\n") }

    private mutating func nest(_ open: StaticString, _ close: StaticString, _ body: (inout JSONText) -> Void) {
        buffer.writeStaticString(open)
        depth += 1
        isFirst = true
        body(&self)
        depth -= 1
        if !isFirst { breakLine() }
        isFirst = false
        buffer.writeStaticString(close)
    }

    private mutating func separate() {
        if !isFirst { buffer.writeStaticString(",") }
        isFirst = false
        breakLine()
    }

    private mutating func breakLine() { buffer.writeString("\n" + String(repeating: "  ", count: depth)) }
}
