/// What the reply that is being read may still take. What is handed over already of the same reply counts as well, since all of it
/// is in memory until its last element has come.
struct ReplyAllowance: Equatable {
    /// A status or an error of Redis is a sentence.
    static let lineBytes = 64 << 10
    /// A number with its sign and its line end has 22 characters at the most.
    static let numberBytes = 32

    let expected: ExpectedReply
    /// What the reply may take, in bytes.
    let maximumBytes: Int
    private(set) var elements: Int
    private(set) var bytes: Int
    /// Set by the first thing that went beyond.
    private(set) var refusal: ReplyReaderError?

    /// - Parameter maximumBytes: where ``ExpectedReply/bytes`` says nothing.
    init(_ expected: ExpectedReply, maximumBytes: Int) {
        self.expected = expected
        self.maximumBytes = min(expected.bytes ?? maximumBytes, maximumBytes)
        elements = expected.elements
        bytes = self.maximumBytes
    }

    /// An array was announced.
    mutating func takeArray(_ count: Int) -> Bool {
        guard count <= elements else {
            let (announced, isTooMuch) = (expected.elements - elements).addingReportingOverflow(count)
            return refuse(.elements(isTooMuch ? .max : announced), limit: expected.elements)
        }
        elements -= count
        let (cost, isTooMuch) = count.multipliedReportingOverflow(by: ExpectedReply.elementBytes)
        return take(isTooMuch ? .max : cost)
    }

    /// A text has come whole.
    mutating func takeText(_ length: Int) -> Bool { take(length) }

    /// A bulk string was announced, of which not all has come.
    mutating func expectText(_ length: Int) -> Bool {
        if length <= bytes { return true }
        guard expected.bytes != nil, length > maximumBytes else { return refuseWhole() }
        return refuse(.bytes(length), limit: maximumBytes)
    }

    /// A line has begun that has not ended.
    ///
    /// - Parameter isNumber: an integer, or how many elements or bytes there are.
    mutating func expectLine(_ count: Int, isNumber: Bool) -> Bool {
        let limit = min(isNumber ? Self.numberBytes : Self.lineBytes, maximumBytes)
        return count <= limit || refuse(.line, limit: limit)
    }

    private mutating func take(_ count: Int) -> Bool {
        guard count <= bytes else { return refuseWhole() }
        bytes -= count
        return true
    }

    /// Where the limit is that of any value, the value is too long; elsewhere something else answers than was asked.
    private mutating func refuseWhole() -> Bool {
        if expected.bytes != nil { return refuse(.whole, limit: maximumBytes) }
        refusal = refusal ?? .replyTooLong(limitBytes: maximumBytes)
        return false
    }

    private mutating func refuse(_ part: RefusedReply.Part, limit: Int) -> Bool {
        refusal = refusal ?? .refused(RefusedReply(part, to: expected.command, limit: limit))
        return false
    }
}
