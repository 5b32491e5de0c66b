/// What `GET /v1/keys?prefix=&cursor=&limit=` asks for.
struct KeyListRequest: Equatable {
    static let limits = 1...1000
    static let defaultLimit = 100

    /// As SCAN's MATCH takes it; empty for all keys.
    var pattern: [UInt8] = []
    /// `nil` for the first page.
    var cursor: ScanCursor?
    /// How many keys are looked at in one go, and so about how many a page has at the most.
    var limit = defaultLimit

    /// - Throws: ``Problem/invalidCursor``, ``Problem/invalidNumber(_:_:)``, ``Problem/invalidPercentEncoding``.
    init(_ target: borrowing RequestTarget) throws(Problem) {
        if let prefix = try target.queryValue("prefix"), !prefix.isEmpty { pattern = Self.pattern(prefix: prefix) }
        if let cursor = try target.queryValue("cursor"), !cursor.isEmpty {
            self.cursor = try ScanCursor(parsing: cursor)
        }
        if let limit = try target.queryNumber("limit", in: Self.limits) { self.limit = limit }
    }

    /// Everything that begins with the prefix, with special characters escaped (redis/redis `src/util.c`,
    /// `stringmatchlen_impl`: outside of brackets, `*`, `?`, `[` and `\` are special).
    private static func pattern(prefix: [UInt8]) -> [UInt8] {
        var pattern: [UInt8] = []
        pattern.reserveCapacity(prefix.count + 1)
        for byte in prefix {
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\\"):
                pattern.append(UInt8(ascii: "\\"))
            default: break
            }
            pattern.append(byte)
        }
        return pattern + [UInt8(ascii: "*")]
    }
}
