import HTTPWire

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
            runID.allSatisfy({ $0.hexadecimalValue != nil }),
            let position = UInt64(decimal: text[(Self.runIDBytes + 1)...])
        else { throw .invalidCursor }
        self.init(runID: Array(runID), position: position)
    }

    var text: [UInt8] { runID + Array("-\(position)".utf8) }
}
