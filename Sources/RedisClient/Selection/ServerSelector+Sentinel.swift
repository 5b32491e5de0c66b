import ServerSelection

/// Sentinel decides which server leads: it is written to as soon as it says itself that it is the master, and no other one is.
extension ServerSelector {
    /// Takes what the Sentinels say now.
    func take(_ word: SentinelWord, _ report: SentinelReport) {
        _ = update { state, _ in
            state.sentinel = word
            state.sentinelReport = report
        }
    }

    /// What the Sentinels say; `nil` where they do not decide.
    var sentinelReport: SentinelReport? { read { $0.sentinelReport } }

    static func decide(_ decision: inout Decision, by word: SentinelWord, _ state: inout State, at now: Int64) {
        decision.doubt = nil
        decision.places = nil
        decision.server = nil
        decision.holdsWrites = true
        let verdict = word.master.flatMap { state.leaders?.verdict(at: now, named: $0.description) }
        var leader: LeaderObservations.Leader?
        switch (verdict, word.master) {
        case (.leads(let found), let master?):
            leader = found
            decision.holdsWrites = word.isFailingOver
            decision.absence = word.isFailingOver ? .failingOver(master.description) : nil
        case (.refusesWrites(let found), _):
            leader = found
            decision.absence = .refusesWrites(found.endpoint)
        case (_, let master?):
            // An own connection says why a server is not reached.
            let isAsking = state.report.number == 0 && state.leaders?.endpoints.contains(master.description) != true
            decision.absence = .namedIsNoMaster(master.description, isAsking: isAsking)
        case (_, nil): decision.absence = .unnamed(word.doubt, isAsking: word.isAsking)
        }
        decision.history = state.selection.history?.id
        if let leader {
            decision.server = leader.server
            decision.master = state.endpoints[leader.endpoint] ?? decision.master
            decision.hasLeader = true
        }
        state.report.take(leader.map { _ in decision.master }, decision.absence, at: now)
    }
}
