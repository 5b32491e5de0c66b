/// Strings that are compressed by LZF (Marc Lehmann's liblzf): literal runs, and copies from at most 8192 bytes before.
extension RDBInput {
    private static let window = 8192

    /// - Parameters:
    ///   - count: how many compressed bytes follow.
    ///   - whole: how many bytes they make.
    ///   - piece: how many bytes to hand over at a time; a whole that is not longer comes in one piece.
    ///   - take: each piece, and whether it is the last; at least one. Says whether to go on.
    mutating func expand(
        _ count: UInt64, to whole: UInt64, piece: Int, _ take: ([UInt8], _ isLast: Bool) -> Bool
    ) throws(RDBFileError) {
        var left = count
        var made: UInt64 = 0
        /// The last bytes that were handed over, and those that were not.
        var held: [UInt8] = []
        var handedOver = 0
        func next(_ input: inout RDBInput) throws(RDBFileError) -> UInt8 {
            guard left > 0 else { throw input.damaged("a compressed string ends within a step") }
            left -= 1
            return try input.byte()
        }
        while left > 0 {
            let control = Int(try next(&self))
            if control < 32 {
                let run = control + 1
                guard UInt64(run) <= left, made + UInt64(run) <= whole else {
                    throw damaged("a compressed string is longer than it says")
                }
                try append(run, to: &held)
                left -= UInt64(run)
                made += UInt64(run)
            } else {
                var run = control >> 5
                if run == 7 { run += Int(try next(&self)) }
                run += 2
                let distance = (control & 0x1F) << 8 + Int(try next(&self)) + 1
                guard distance <= held.count else {
                    throw damaged("a compressed string copies from before its beginning")
                }
                guard made + UInt64(run) <= whole else { throw damaged("a compressed string is longer than it says") }
                // The copy may overlap with what it makes.
                var from = held.count - distance
                for _ in 0..<run {
                    held.append(held[from])
                    from += 1
                }
                made += UInt64(run)
            }
            while held.count - handedOver >= piece, made < whole {
                let end = handedOver + piece
                guard take(Array(held[handedOver..<end]), false) else { throw RDBFileError(.stopped, at: offset) }
                handedOver = end
            }
            if handedOver > Self.window + piece {
                held.removeFirst(handedOver - Self.window)
                handedOver = Self.window
            }
        }
        guard made == whole else { throw damaged("a compressed string is shorter than it says") }
        var rest = held[handedOver...]
        while rest.count > piece {
            guard take(Array(rest.prefix(piece)), false) else { throw RDBFileError(.stopped, at: offset) }
            rest = rest.dropFirst(piece)
        }
        guard take(handedOver == 0 && rest.count == held.count ? held : Array(rest), true) else {
            throw RDBFileError(.stopped, at: offset)
        }
    }
}
