/// How many requests of a connection may be under way at a time, as a value: fewer, the larger its answers are.
///
/// A client may send many requests before it takes an answer. All of them are asked at once as long as their answers are
/// small; where these are large, so many that little more than ``wantedBytes`` waits for the client.
struct PipelineWindow: Equatable, Sendable {
    static let largest = 128
    private static let first = 64
    private static let wantedBytes = 1 << 20

    private(set) var size = first

    mutating func answered(bodyBytes: Int) {
        if bodyBytes < MemoryBudget.smallBytes {
            if size < Self.largest { size &+= 1 }
        } else {
            size = max(1, min(size, Self.wantedBytes / bodyBytes))
        }
    }
}
