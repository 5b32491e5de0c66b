import SeededRandomness

extension SplitMix64 {
    mutating func bytes(upTo limit: Int) -> [UInt8] {
        (0..<Int.random(in: 0...limit, using: &self)).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }

    /// Bytes that mean something to the grammar far more often than chance would have it.
    mutating func nastyBytes(upTo limit: Int) -> [UInt8] {
        let alphabet = Array("\n\n\r\t \"'\\#x4\u{B}\0bind*replicaof slaveof include dir".utf8) + [0xEF, 0xBB, 0xBF]
        return (0..<Int.random(in: 0...limit, using: &self)).map { _ in alphabet.randomElement(using: &self)! }
    }
}
