/// SipHash-2-4 with an output of 128 bits (J.-P. Aumasson, D. J. Bernstein, 2012; the reference `siphash.c` with an output
/// length of 16): short inputs cost little, and who does not know the key cannot make two inputs meet.
struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    /// The bytes since the last whole word, the first of them lowest.
    private var rest: UInt64 = 0
    private var count: UInt64 = 0

    /// - Parameter key: its bytes 0…7 and 8…15, each the lowest first.
    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    /// - Returns: the bytes 0…7 and 8…15 of the output, each the lowest first.
    static func hash(_ input: Span<UInt8>, key: (UInt64, UInt64)) -> (UInt64, UInt64) {
        var state = SipHash(key: key)
        state.takeLast(input)
        return state.finish()
    }

    /// Takes bytes of an input that comes in pieces; ``finished()`` gives what ``hash(_:key:)`` gives for all of them.
    mutating func take(_ piece: Span<UInt8>) {
        var index = 0
        // To the next whole word.
        while count & 7 != 0, index < piece.count {
            take(byte: piece[index])
            index &+= 1
        }
        let whole = (piece.count &- index) & ~7
        unsafe piece.withUnsafeBytes { bytes in
            let end = index &+ whole
            while index < end {
                take(UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
                index &+= 8
            }
        }
        count &+= UInt64(whole)
        while index < piece.count {
            take(byte: piece[index])
            index &+= 1
        }
    }

    private mutating func take(byte: UInt8) {
        rest |= UInt64(byte) << (8 &* (count & 7))
        count &+= 1
        guard count & 7 == 0 else { return }
        take(rest)
        rest = 0
    }

    /// The output for all that was taken.
    consuming func finished() -> (UInt64, UInt64) {
        take(rest | count << 56)
        return finish()
    }

    private mutating func takeLast(_ input: Span<UInt8>) {
        unsafe input.withUnsafeBytes { bytes in
            let whole = bytes.count & ~7
            var offset = 0
            while offset < whole {
                take(UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
                offset &+= 8
            }
            // The last word: what is left, and the length's lowest byte on top.
            var word = UInt64(truncatingIfNeeded: bytes.count) << 56
            while offset < bytes.count {
                word |= UInt64(unsafe bytes[offset]) << UInt64(8 &* (offset &- whole))
                offset &+= 1
            }
            take(word)
        }
    }

    private mutating func take(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    private consuming func finish() -> (UInt64, UInt64) {
        v2 ^= 0xee
        for _ in 0..<4 { round() }
        let first = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        for _ in 0..<4 { round() }
        return (first, v0 ^ v1 ^ v2 ^ v3)
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v1 = v1.rotated(13) ^ v0
        v0 = v0.rotated(32)
        v2 &+= v3
        v3 = v3.rotated(16) ^ v2
        v0 &+= v3
        v3 = v3.rotated(21) ^ v0
        v2 &+= v1
        v1 = v1.rotated(17) ^ v2
        v2 = v2.rotated(32)
    }
}

extension UInt64 {
    @inline(__always)
    fileprivate func rotated(_ bits: UInt64) -> UInt64 { self &<< bits | self &>> (64 &- bits) }
}
