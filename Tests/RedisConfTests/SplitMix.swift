/// A seeded generator, so that a failure can be run again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func bytes(upTo limit: Int) -> [UInt8] {
        (0..<Int.random(in: 0...limit, using: &self)).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }

    /// Bytes that mean something to the grammar far more often than chance would have it.
    mutating func nastyBytes(upTo limit: Int) -> [UInt8] {
        let alphabet = Array("\n\n\r\t \"'\\#x4\u{B}\0bind*replicaof slaveof include dir".utf8) + [0xEF, 0xBB, 0xBF]
        return (0..<Int.random(in: 0...limit, using: &self)).map { _ in alphabet.randomElement(using: &self)! }
    }
}
