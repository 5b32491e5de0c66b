import Failover

/// Whether the other nodes take a login, which this node's server is to show its leader.
package enum LoginVerdict {
    /// - Parameters:
    ///   - answers: of the nodes that answered.
    ///   - leaders: whom the server follows, and who leads by the lease. Without their answer nothing is known: a server that
    ///     showed its leader a password which that one does not know yet could not connect to it again.
    /// - Returns: `nil` where it is not known.
    package static func takes(_ answers: [String: Bool], leaders: Set<String>) -> Bool? {
        guard !answers.isEmpty else { return nil }
        guard answers.values.allSatisfy(\.self) else { return false }
        return leaders.isSubset(of: answers.keys) ? true : nil
    }
}

extension AgentLoop {
    /// The other nodes to which this one's server shows its password, now or soon.
    var shownLeaders: Set<String> {
        var names: Set<String> = []
        if case .replica(of: let name?, _) = machine.local?.role { names.insert(name) }
        if let leaderName { names.insert(leaderName) }
        names.remove(ownName)
        return names
    }
}
