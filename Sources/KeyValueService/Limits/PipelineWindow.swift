/// How many requests of a connection may be under way at a time, and what the next one may cost, as a value: fewer, the larger
/// its answers are.
///
/// A client may send many requests before it takes an answer. More and more of them are asked at once as long as their answers
/// are small; where these are large, so many that little more than ``wantedBytes`` waits for the client.
struct PipelineWindow: Equatable, Sendable {
    static let largest = 128
    /// As many as a client gets of which nothing is known; with every small answer it gets one more.
    static let first = 8
    private static let wantedBytes = 1 << 20
    /// While so many requests of all clients are under way, none has more than ``crowdedLargest``.
    static let crowd = 128
    private static let crowdedLargest = 4
    /// Nor more than this, while unknown values turn out to be bulky.
    private static let alarmedLargest = 2

    private(set) var size = first
    /// How large the values were that the client read of late; `nil` before the first.
    private(set) var valueBytes: Int?

    mutating func answered(bodyBytes: Int) {
        if bodyBytes < MemoryBudget.smallBytes {
            if size < Self.largest { size &+= 1 }
        } else {
            size = max(1, min(size, Self.wantedBytes / bodyBytes))
        }
    }

    /// A value was read, or the answer to a batch is made.
    mutating func read(_ bytes: Int) {
        // It takes about thirty small values for a large one to be forgotten.
        valueBytes = valueBytes.map { max(bytes, $0 &- $0 >> 3) } ?? bytes
    }

    /// Whether the client has read values, and all of late were small: what every read asks for.
    @inline(__always)
    var expectsSmall: Bool { (valueBytes ?? .max) < ReadCosts.bulkyBytes }

    /// How many may be under way beside those of other clients.
    ///
    /// - Parameter others: requests of all clients that are under way on the event loop.
    @inline(__always)
    func limit(beside others: Int, isAlarmed: Bool) -> Int {
        if isAlarmed { return min(size, Self.alarmedLargest) }
        return others < Self.crowd ? size : min(size, Self.crowdedLargest)
    }
}
