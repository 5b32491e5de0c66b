/// Lines out of pieces: what a watch sends.
struct Lines {
    private let maximumBytes: Int
    private var pending: [UInt8] = []
    private var whole: [[UInt8]] = []

    /// - Parameter maximumBytes: of one line.
    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    /// - Returns: whether no line is too long.
    mutating func append(_ piece: some Sequence<UInt8>) -> Bool {
        for byte in piece {
            if byte == UInt8(ascii: "\n") {
                if !pending.isEmpty { whole.append(pending) }
                pending = []
            } else {
                guard pending.count < maximumBytes else { return false }
                pending.append(byte)
            }
        }
        return true
    }

    /// The next line that is whole, without its end. Empty ones are left out.
    mutating func next() -> [UInt8]? { whole.isEmpty ? nil : whole.removeFirst() }
}
