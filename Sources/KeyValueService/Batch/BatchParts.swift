/// How many of a batch's reads are sent at a time, as a value: many while their values are small, few where they are large.
struct BatchParts: Equatable {
    /// About how many bytes a part is to make Redis answer.
    static let wantedBytes = 512 << 10
    /// How many operations whose values are not known may be sent next.
    private(set) var size: Int

    /// - Parameter expectsSmall: whether all values were small that the client read of late.
    init(expectsSmall: Bool) { size = expectsSmall ? 32 : 8 }

    /// A part is answered.
    mutating func answered(count: Int, bytes: Int) {
        size = max(1, min(1000, size * 2, Self.wantedBytes * max(1, count) / max(1, bytes)))
    }

    /// - Parameters:
    ///   - rest: how many operations are left, at least one.
    ///   - cost: how many bytes the reply to the operation at a place among them is expected to have.
    /// - Returns: how many are next, at least one, and what they are expected to cost.
    func next(of rest: Int, cost: (_ place: Int) -> Int) -> (count: Int, cost: Int) {
        var (count, total) = (0, 0)
        while count < min(rest, size) {
            let one = max(0, cost(count))
            guard count == 0 || total + min(one, Self.wantedBytes) <= Self.wantedBytes else { break }
            total += min(one, Self.wantedBytes)
            count += 1
        }
        return (count, total)
    }
}
