package import Failover

/// What a node has that the leader does not have, and where that is kept before a full copy replaces it.
package struct RollbackFile: Equatable, Sendable {
    /// How many are kept; the oldest goes first.
    package static let kept = 3
    static let suffix = ".rdb"

    /// The term in which this node's data were written.
    package var term: UInt64
    /// The first digits of their history's name.
    package var history: String
    /// From where on the leader does not have them, and up to where they go; both 0 where that is not known.
    package var from: Int64
    package var to: Int64

    package init(term: UInt64, history: String, from: Int64, to: Int64) {
        self.term = term
        self.history = history
        self.from = from
        self.to = to
    }

    /// `term-3-9f8e7d6c-from-1000-to-1500-bytes-500.rdb`
    package var name: String {
        "term-\(term)-\(history)-from-\(from)-to-\(to)-bytes-\(max(0, to - from))\(Self.suffix)"
    }

    /// - Returns: `nil` where the leader has all that this node has.
    package static func needed(
        for finding: DataPosition?, isExact: Bool, keys: Int64, in lease: LeaseRecord
    ) -> RollbackFile? {
        guard keys > 0 || finding != nil else { return nil }
        guard let finding, let index = lease.histories.lastIndex(where: { $0.id == finding.history }) else {
            // Data of another life: nothing says what the leader has of them.
            guard keys > 0 else { return nil }
            return RollbackFile(
                term: finding?.term ?? 0, history: String((finding?.history ?? "unknown").prefix(8)), from: 0, to: 0)
        }
        // The leader's own history.
        guard index + 1 < lease.histories.count else { return nil }
        let end = lease.histories[index + 1].start
        let file = RollbackFile(
            term: finding.term, history: String(finding.history.prefix(8)), from: end, to: max(end, finding.offset))
        // A position from the file is the least that there is: an older history may go on behind it.
        if !isExact { return keys > 0 ? file : nil }
        return finding.offset > end ? file : nil
    }
}
