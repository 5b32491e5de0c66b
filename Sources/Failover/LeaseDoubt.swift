/// What a node's own data say against the lease: the store lost a part of what it had.
package enum LeaseDoubt: Equatable, Sendable {
    /// The data are of a later term than any that the store knows: it was wiped, or restored from a backup.
    case olderThanData(leaseTerm: UInt64, dataTerm: UInt64)
    /// The lease names another history for the term of the data: the term was issued twice.
    case termIssuedTwice(UInt64)

    /// - Parameters:
    ///   - record: `nil` where there is no lease.
    ///   - position: what the node's position file says.
    /// - Returns: `nil` where the two go together.
    package init?(_ record: LeaseRecord?, position: DataPosition) {
        let term = record?.term ?? 0
        if term < position.term {
            self = .olderThanData(leaseTerm: term, dataTerm: position.term)
        } else if let named = record?.histories.last(where: { $0.term == position.term }), named.id != position.history
        {
            self = .termIssuedTwice(position.term)
        } else {
            return nil
        }
    }
}

extension LeaseDoubt: CustomStringConvertible {
    /// What is wrong, and what to do.
    package var description: String {
        switch self {
        case .olderThanData(let leaseTerm, let dataTerm):
            "the lease is of term \(leaseTerm), and this node's data are of term \(dataTerm): the lease store was wiped or "
                + "restored from a backup. The next term is above \(dataTerm). Have all nodes run until one leads"
        case .termIssuedTwice(let term):
            "the lease names another history for term \(term) than this node's data have: the lease store was restored from a "
                + "backup, and a node without these data took the term again. What only this node has goes into its rollback folder"
        }
    }
}
