/// What ``LeaderObservations`` has decided, as the rest of the program reads it.
extension MasterSelection {
    /// - Parameter leaders: all that say they are the master.
    mutating func follow(
        _ leader: LeaderObservations.Leader, besides leaders: [LeaderObservations.Leader], at now: Int64
    ) {
        rivals = []
        let place = leader.endpoint
        if place != endpoint, historySeenAt != .min {
            let former = leaders.first { $0.endpoint == endpoint }
            let known = former.flatMap { $0.history?.id == history?.id ? $0.history?.offset : nil }
            lastChange = Change(
                from: endpoint, to: place,
                lostBytes: history.flatMap { old in
                    guard let new = leader.history, new.continues(old.id) else { return nil }
                    return new.lostBytes(ofHistoryUpTo: max(old.offset, known ?? old.offset))
                }, isOldOneStillMaster: former.map { !$0.refusesWrites } ?? false)
        }
        endpoint = place
        if history?.id == leader.history?.id, leader.answeredAt < historySeenAt { return }
        history = leader.history ?? history
        historySeenAt = leader.answeredAt
    }

    /// None of them is preferred.
    mutating func contest(_ leaders: [LeaderObservations.Leader]) {
        rivals = leaders.compactMap { leader in
            leader.history.map { Rival(endpoint: leader.endpoint, id: $0.id, fork: $0.fork) }
        }
    }
}
