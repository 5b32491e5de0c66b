extension UInt64 {
    /// Decimal digits and nothing else, not even a sign.
    init?(decimal digits: some Collection<UInt8>) {
        guard !digits.isEmpty else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
            let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isLarger) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !isTooLarge, !isLarger else { return nil }
            number = sum
        }
        self = number
    }

    /// The eight lower-case hexadecimal digits of four bytes, the lowest byte first, each digit its own byte: without a
    /// table, each nibble into a lane, then each lane into a digit.
    init(hexadecimalDigitsOf bytes: UInt32) {
        var lanes = UInt64(bytes)
        lanes = (lanes | lanes << 16) & 0x0000_FFFF_0000_FFFF
        lanes = (lanes | lanes << 8) & 0x00FF_00FF_00FF_00FF
        let nibbles = (lanes >> 4 & 0x000F_000F_000F_000F) | (lanes & 0x000F_000F_000F_000F) << 8
        // A lane is 1 where the nibble is 10 or more: "a" is as far from "9" as 0x27 says.
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        self = nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }
}
