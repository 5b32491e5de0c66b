import SeededRandomness

/// An input cut into pieces, the same ones each time.
func pieces(of input: [UInt8]) -> [[UInt8]] {
    var random = SplitMix64(seed: seedNumber(of: input))
    var pieces: [[UInt8]] = []
    var start = 0
    while start < input.count {
        // Short ones mostly: the boundaries are what matters.
        let longest = random.next() % 4 == 0 ? 64 : 6
        let end = min(input.count, start + 1 + Int(random.next() % UInt64(longest)))
        pieces.append(Array(input[start..<end]))
        start = end
    }
    return pieces
}

/// FNV-1a.
func seedNumber(of input: [UInt8]) -> UInt64 {
    input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

/// The parts of an input between zero bytes, for what takes several; at least `count` of them.
func parts(of input: [UInt8], count: Int) -> [[UInt8]] {
    let parts = input.split(separator: 0, maxSplits: 63, omittingEmptySubsequences: false).map(Array.init)
    return parts + [[UInt8]](repeating: [], count: max(0, count - parts.count))
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
