/// How far the data of a node goes: in which term it was written, in which history, and up to where.
///
/// A term is one promotion. Positions are compared by term first. Offsets are compared within one history only: those of two
/// histories count different streams.
package struct DataPosition: Equatable, Hashable, Sendable {
    /// The promotion in whose history the data is; 0 before the first one.
    package var term: UInt64
    /// The replication id of redis-server: the name of the stream that the offset counts.
    package var history: String
    /// In bytes of that stream, 0 or above.
    package var offset: Int64

    package init(term: UInt64, history: String, offset: Int64) {
        self.term = term
        self.history = history
        self.offset = offset
    }

    package enum Order: Equatable, Sendable {
        case behind, same, ahead
        /// One term, two histories: data sets that were never one.
        case unrelated
    }

    /// Where this position is, seen from another one.
    package func order(to other: DataPosition) -> Order {
        if term != other.term { return term < other.term ? .behind : .ahead }
        guard history == other.history else { return .unrelated }
        return offset == other.offset ? .same : offset < other.offset ? .behind : .ahead
    }
}
