/// Where a master's replication stream was in the last hour: what a bound on a read's age is proven with.
///
/// A server that satisfies a sample has all that the master had written when the sample was taken; so it is no further
/// behind than the sample is old.
///
/// Times are nanoseconds of any clock that never goes back, the same one in every call.
public struct MasterOffsetHistory: Sendable {
    /// How many samples are kept.
    public static let capacity = 64

    /// One hour: the longest bound that samples are kept for.
    package static let longestAgeNanoseconds: Int64 = 3_600_000_000_000

    private struct Sample {
        var token: ReplicationToken
        var time: Int64
    }

    /// The oldest first, all of one id.
    private var samples: [Sample] = []

    public init() { samples.reserveCapacity(Self.capacity + 1) }

    /// How many samples there are, ``capacity`` at most.
    public var count: Int { samples.count }

    /// Takes in a master's token, about once a second.
    ///
    /// A new id drops the samples of the one before. They are older than this one, so they prove nothing that it does
    /// not; and after a full synchronisation no replica knows their id, which would send every read to the master for
    /// as long as the bound is.
    ///
    /// An offset that did not move only makes its sample younger: it stands for every moment between. A sample that is
    /// older than the youngest is ignored.
    ///
    /// - Parameters:
    ///   - token: of an answer whose role is master.
    ///   - time: when the master was *asked*. By the time of the answer it may have written more.
    public mutating func record(_ token: ReplicationToken, atNanoseconds time: Int64) {
        if let youngest = samples.last {
            guard time >= youngest.time else { return }
            if token.replicationID != youngest.token.replicationID { samples.removeAll(keepingCapacity: true) }
            if token == youngest.token { samples.removeLast() }
        }
        samples.append(Sample(token: token, time: time))
        samples.removeFirst(samples.prefix { time.saturatingSubtracting($0.time) > Self.longestAgeNanoseconds }.count)
        if samples.count > Self.capacity { thin(at: time) }
    }

    /// The oldest sample that still proves the bound, which is the easiest one to satisfy.
    ///
    /// With a sample a second its age is three quarters of the bound at least, less a second: see the thinning.
    ///
    /// - Parameters:
    ///   - age: the bound, up to ``longestAgeNanoseconds``; beyond it, the samples of the last hour are found.
    ///   - now: when the read came in.
    /// - Returns: `nil` where even the youngest sample is older than the bound.
    public func token(noOlderThanNanoseconds age: Int64, atNanoseconds now: Int64) -> ReplicationToken? {
        samples.first { now.saturatingSubtracting($0.time) <= age }?.token
    }

    /// Drops the sample whose neighbours' ages have the smallest ratio: a read whose bound falls between them gets the
    /// younger one, and the ratio says how much younger than it had to be. Old samples end up far apart, young ones
    /// close.
    private mutating func thin(at now: Int64) {
        func age(_ index: Int) -> Double { Double(now - samples[index].time) }
        var least = 1
        var smallest = Double.infinity
        for index in 1..<samples.count - 1 {
            let ratio = age(index - 1) / age(index + 1)
            if ratio < smallest { (least, smallest) = (index, ratio) }
        }
        samples.remove(at: least)
    }
}
