/// Which replica gets the lead in a planned change for which the caller names none.
///
/// A rollout replaces one node after the other, a StatefulSet the highest ordinal first. So the leader goes to a node that still
/// has the leader's own server version: every node can read its data, also those that are not replaced yet. And it goes to the
/// first node in the list, which is replaced last: the leader moves once or twice in a rollout, not with each node.
struct HandoverChoice: Equatable {
    /// A replica with its link up.
    struct Candidate: Equatable {
        var name: String
        /// Of the leader's stream, in bytes.
        var offset: Int64
        /// ``ServerAnswer/server``; `nil` where it is not known.
        var server: String?
    }

    /// A replica that is farther behind the best one catches up too late. In bytes.
    static let tolerance: Int64 = 1 << 20

    /// - Parameters:
    ///   - candidates: in the order of the list of nodes.
    ///   - server: the leader's own.
    /// - Returns: `nil` where there is none.
    static func target(among candidates: [Candidate], leaderServer server: String?) -> String? {
        guard let furthest = candidates.map(\.offset).max() else { return nil }
        let inStep = candidates.filter { furthest - $0.offset <= tolerance }
        return (inStep.first { server != nil && $0.server == server } ?? inStep.first)?.name
    }
}
