/// What the name of a rollback file says: `term-3-9f8e7d6c-from-1000-to-1500-bytes-500.rdb`.
package struct RollbackName: Equatable, Sendable {
    package var term: UInt64
    /// The first digits of the history's name.
    package var history: String
    /// From where on, and up to where, the leader lacked what the node had; both 0 where that is not known.
    package var from: Int64
    package var to: Int64
    package var bytes: Int64

    /// - Returns: `nil` for every other name.
    package init?(_ name: String) {
        guard name.hasSuffix(".rdb") else { return nil }
        let words = name.dropLast(4).split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 9, words[0] == "term", words[3] == "from", words[5] == "to", words[7] == "bytes",
            let term = UInt64(words[1]), !words[2].isEmpty, let from = Int64(words[4]), let to = Int64(words[6]),
            let bytes = Int64(words[8])
        else { return nil }
        (self.term, history, self.from, self.to, self.bytes) = (term, words[2], from, to, bytes)
    }
}
