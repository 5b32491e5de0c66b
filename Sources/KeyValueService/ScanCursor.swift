/// Where a walk over the keys of one server goes on: `<run id>-<cursor of SCAN>`.
///
/// A cursor of SCAN means something to the process alone that gave it, so it names that.
struct ScanCursor: Equatable {
    static let runIDBytes = 40

    /// 40 hexadecimal digits.
    var runID: [UInt8]
    var position: UInt64

    init(runID: [UInt8], position: UInt64) {
        self.runID = runID
        self.position = position
    }

    /// - Throws: ``Problem/invalidCursor``.
    init(parsing text: [UInt8]) throws(Problem) {
        let runID = text.prefix(Self.runIDBytes)
        guard text.count > Self.runIDBytes + 1, text[Self.runIDBytes] == UInt8(ascii: "-"),
            runID.allSatisfy({ hexValue($0) != nil }),
            let position = UInt64(decimal: text[(Self.runIDBytes + 1)...])
        else { throw .invalidCursor }
        self.init(runID: Array(runID), position: position)
    }

    var text: [UInt8] { runID + Array("-\(position)".utf8) }
}

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
}
