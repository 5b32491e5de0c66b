/// What a confirmation over TCP has to show (RFC 6750 §2.1).
public struct SidecarToken: Sendable {
    private let bytes: [UInt8]

    /// - Returns: `nil` for what no one should use: fewer than 16 bytes are guessed; more than 4096, or others than visible
    ///   ASCII characters, do not fit into a header field.
    public init?(_ bytes: [UInt8]) {
        guard 16...4096 ~= bytes.count, bytes.allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
        self.bytes = bytes
    }

    /// Whether it is the token behind `Bearer`. How long that takes tells nothing of the token.
    func isShown(by authorization: String) -> Bool {
        let scheme = "bearer "
        guard authorization.utf8.count > scheme.utf8.count, authorization.prefix(7).lowercased() == scheme else {
            return false
        }
        let shown = Array(authorization.utf8.dropFirst(scheme.utf8.count).drop { $0 == UInt8(ascii: " ") })
        // Every byte is compared, even after a mismatch.
        var difference = shown.count == bytes.count ? 0 as UInt8 : 1
        for index in shown.indices { difference |= shown[index] ^ bytes[index % bytes.count] }
        return difference == 0
    }
}
