package import RedisCore

/// Decides how a start goes on by what the Sentinels say, as a value: a verdict and the time in, a step out.
///
/// A server with data never starts as a master that Sentinel may have replaced. Everything else ends in a start, with a
/// warning where Sentinel could not be followed.
package struct SentinelStart: Equatable, Sendable {
    /// How long a start waits where it goes on without Sentinel's word in the end.
    package static let patienceSeconds = 5
    /// How long it waits for the end of a fail-over that has begun.
    package static let failoverSeconds = 15

    package enum Step: Equatable, Sendable {
        case askAgain(String)
        case follow(MasterAddress, said: String, warning: String?)
        case lead(said: String, warning: String?)
        /// As the variables say.
        case asConfigured(warning: String)
        case block(String)
    }

    let isMaster: Bool
    let hasConfigured: Bool
    let hasData: Bool
    let timeoutSeconds: Int

    package init(_ question: SentinelQuestion, hasData: Bool) {
        isMaster = question.isMaster
        hasConfigured = question.configured != nil
        self.hasData = hasData
        timeoutSeconds = question.timeoutSeconds
    }

    private static let minority = "fewer than half of the Sentinels answer"

    /// - Parameters:
    ///   - isMajorityAnswering: whether more than half of the Sentinels have answered something.
    ///   - isReplacementDue: whether one of them says that the master is to be replaced.
    ///   - isThisServer: whether an address is this server's own.
    package func step(
        _ verdict: SentinelVerdict, isMajorityAnswering: Bool, isReplacementDue: Bool,
        isThisServer: (MasterAddress) -> Bool, elapsedSeconds: Int
    ) -> Step {
        switch verdict {
        case .master(let master, let isMajority):
            let isOwn = isThisServer(master.address)
            if isOwn, isReplacementDue, master.replicas > 0, !isOver(Self.failoverSeconds, elapsedSeconds) {
                return .askAgain("a Sentinel replaces the master \(master.address), this server")
            }
            return step(master, isMajority, isOwn: isOwn, elapsedSeconds)
        case .unknown(.masterDown(let master, let flags)):
            let isDue =
                isReplacementDue || flags.contains("o_down") || flags.contains("failover_in_progress")
            return step(
                down: master, flags, isDue: isDue && master.replicas > 0, isMajorityAnswering,
                isOwn: isThisServer(master.address), elapsedSeconds)
        case .unknown(let doubt): return step(without: doubt, isMajorityAnswering, elapsedSeconds)
        }
    }

    /// At least one round of answers is waited for.
    private func isOver(_ seconds: Int, _ elapsed: Int) -> Bool {
        seconds == 0 || elapsed >= max(1, min(seconds, timeoutSeconds))
    }

    private func step(_ master: SentinelMaster, _ isMajority: Bool, isOwn: Bool, _ elapsed: Int) -> Step {
        let minority = master.forbiddenMajority ?? Self.minority
        if isOwn {
            let said = "Sentinel names this server the master (\(master.address), epoch \(master.epoch))"
            if isMajority || !hasData { return .lead(said: said, warning: isMajority ? nil : minority) }
            return waitOrBlock("\(said), but \(minority)", elapsed)
        }
        let said =
            "Sentinel names the master \(master.address) (epoch \(master.epoch)): this server starts as its replica"
        if isMajority { return .follow(master.address, said: said, warning: nil) }
        guard isOver(Self.patienceSeconds, elapsed) else { return .askAgain(minority) }
        let cure = master.isMajorityForbidden ? "" : "; start the others, or check the list of them"
        return .follow(master.address, said: said, warning: minority + cure)
    }

    private func waitOrBlock(_ why: String, _ elapsed: Int) -> Step {
        elapsed >= max(1, timeoutSeconds) ? .block(blocked(why)) : .askAgain(why)
    }

    /// - Parameter isDue: whether a fail-over has begun, or is about to.
    private func step(
        down master: SentinelMaster, _ flags: [String], isDue: Bool, _ isMajorityAnswering: Bool, isOwn: Bool,
        _ elapsed: Int
    ) -> Step {
        let said = "\(SentinelVerdict.Doubt.masterDown(master, flags: flags))"
        if isOwn {
            // The Sentinels that saw it end may agree at any moment.
            let patience = isDue ? Self.failoverSeconds : master.replicas > 0 ? Self.patienceSeconds : 0
            guard isOver(patience, elapsed) else { return .askAgain(said) }
            if hasData, !isMajorityAnswering { return waitOrBlock("\(said), and \(Self.minority)", elapsed) }
            return .lead(
                said: "Sentinel names this server the master (\(master.address), epoch \(master.epoch))",
                warning: isDue ? "\(said): this server may be replaced soon" : nil)
        }
        guard isOver(Self.failoverSeconds, elapsed) else { return .askAgain(said) }
        return .follow(
            master.address, said: "this server starts as the replica of \(master.address)",
            warning: "\(said), and names no other one")
    }

    private func step(without doubt: SentinelVerdict.Doubt, _ isMajorityAnswering: Bool, _ elapsed: Int) -> Step {
        let said = "\(doubt)"
        if !isMaster {
            guard hasConfigured else {
                return elapsed >= max(1, timeoutSeconds) ? .block(nameless(said)) : .askAgain(said)
            }
            if case .unknownName = doubt { return .asConfigured(warning: said) }
            return isOver(Self.patienceSeconds, elapsed) ? .asConfigured(warning: said) : .askAgain(said)
        }
        switch doubt {
        case .unknownName where !hasData && isMajorityAnswering: return .asConfigured(warning: said)
        case .unknownName where !hasData, .noneReached where !hasData, .asking where !hasData:
            return isOver(Self.patienceSeconds, elapsed) ? .asConfigured(warning: said) : .askAgain(said)
        case .unknownName, .asking, .noneReached, .noneNamed, .masterDown, .contradiction, .olderEpoch:
            return waitOrBlock(said, elapsed)
        }
    }

    private func blocked(_ why: String) -> String {
        """
        \(why): another server may be the master now, and this one would take writes that are lost later. Start the \
        Sentinels, check REDIS_SENTINEL_HOST, or leave it empty to have the variables decide
        """
    }

    private func nameless(_ why: String) -> String {
        """
        \(why), and neither a variable nor a replicaof line names a master. Start the Sentinels, check \
        REDIS_SENTINEL_HOST, or set REDIS_MASTER_HOST
        """
    }
}
