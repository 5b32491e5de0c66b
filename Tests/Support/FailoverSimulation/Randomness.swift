import SeededRandomness

/// What chance decides in a simulation: the same for the same seed.
struct Randomness {
    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    /// 0 up to `bound`, without it.
    mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }

    mutating func time(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(generator.next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    mutating func isOneIn(_ count: Int) -> Bool { below(count) == 0 }
}
