/// What redis-replica-init says in a log that grows, without what the server says that it becomes.
struct InitProgress {
    private static let beginning = "redis-replica-init: "

    private var seenBytes: Int

    /// - Parameter log: What has been said already.
    init(after log: String) { seenBytes = log.utf8.count }

    /// The whole lines that came since the last read, from the word after the program's name.
    mutating func newLines(of log: String) -> [String] {
        let new = log.utf8.dropFirst(seenBytes)
        guard let end = new.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let whole = new[...end]
        seenBytes += whole.count
        return Substring(whole).split(separator: "\n").filter { $0.hasPrefix(Self.beginning) }
            .map { String($0.dropFirst(Self.beginning.count)) }
    }
}
