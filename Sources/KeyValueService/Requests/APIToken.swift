import HTTPWire

/// The token that clients have to show (RFC 6750 §2.1).
struct APIToken {
    private let bytes: [UInt8]

    /// - Parameter bytes: 1 or more.
    init(_ bytes: [UInt8]) {
        precondition(!bytes.isEmpty, "an empty token would let every client in")
        self.bytes = bytes
    }

    /// - Throws: ``Problem/unauthorized`` where the path needs the token and the request does not send it.
    func check(_ request: borrowing RequestView, _ path: Span<UInt8>) throws(Problem) {
        if Route(path: path)?.isOpen == true { return }
        guard isShown(in: request) else { throw .unauthorized }
    }

    func isShown(in request: borrowing RequestView) -> Bool {
        guard let authorization = request.value(of: .authorization) else { return false }
        return isShown(by: authorization)
    }

    /// Whether it is the token behind `Bearer`. How long that takes tells nothing of the token.
    func isShown(by authorization: Span<UInt8>) -> Bool {
        let scheme: StaticString = "bearer "
        guard authorization.startsIgnoringCase(with: scheme) else { return false }
        var start = scheme.utf8CodeUnitCount
        while start < authorization.count, authorization[start] == UInt8(ascii: " ") { start += 1 }
        let shown = authorization.extracting(start..<authorization.count)
        // Every byte is compared, even after a mismatch.
        var difference = shown.count == bytes.count ? 0 as UInt8 : 1
        for index in shown.indices { difference |= shown[index] ^ bytes[index % bytes.count] }
        return difference == 0
    }
}
