public import RedisCore

/// Full copies that fail.
extension Reconciler {
    /// The server that the replica waits for a copy from, or is to ask for one, so that it should be looked at; `nil` where its
    /// link is up.
    public var awaitedSource: MasterAddress? {
        guard let link = local?.replication.masterLink, !link.isUp, copies.isWaiting || copies.isBetweenAttempts else {
            return nil
        }
        return link.address
    }

    /// The server that the replica waits for (``awaitedSource``) was looked at.
    ///
    /// - Parameter now: when that server has answered.
    public mutating func see(
        source: ServerInformation, at address: MasterAddress, now: Duration
    ) -> [Action] {
        guard address == awaitedSource else { return [] }
        lastSource = source
        copies.see(source: source, at: now)
        return tellCopyFailure()
    }

    var copyFailure: CopyWatch.Failure? {
        guard copies.isAlarm, let local else { return nil }
        var masters = lastSource.map { [$0] } ?? []
        if masters.isEmpty, case .found(let candidates)? = observation?.outcome {
            for candidate in candidates { if case .master(let found) = candidate.standing { masters.append(found) } }
        }
        let master = masters.count == 1 ? masters[0] : nil
        return CopyWatch.Failure(
            attempts: copies.failedAttempts, hasEmptied: local.replication.masterLink?.lostItsData ?? false,
            replicaVersion: local.version, masterVersion: master?.version,
            cause: copies.cause(local: local, master: master))
    }

    /// Sees that full copies fail.
    mutating func noteCopies(of local: ServerInformation, at now: Duration) -> [Action] {
        let wasAlarm = copies.isAlarm
        copies.see(local, at: now)
        if awaitedSource == nil { lastSource = nil }
        if copies.isAlarm { return tellCopyFailure() }
        toldCopyCause = nil
        return wasAlarm ? [.tell(.copiesWork)] : []
    }

    /// Once, and once more where the master has said a reason since.
    private mutating func tellCopyFailure() -> [Action] {
        guard let copyFailure else { return [] }
        let isNews = toldCopyCause == nil || (toldCopyCause == .unknown && copyFailure.cause != .unknown)
        guard isNews else { return [] }
        toldCopyCause = copyFailure.cause
        return [.tell(.copiesFail(copyFailure))]
    }
}
