/// The master according to several Sentinels: a value that takes each one's latest answer and the time.
///
/// - Of two addresses the one with the higher epoch counts: that is the rule by which Sentinels agree. One
///   Sentinel is enough to know the newest one, since the others adopt it from it within about a second. So one that was cut
///   off, which still names the former master, never wins against one that was not.
/// - A known epoch is never replaced by a lower one: the Sentinel that knew it may only be silent.
/// - Two addresses of one epoch contradict each other: unknown. So does an address the one that was named before with the same
///   epoch, as where the Sentinel that named that one has fallen silent, until all Sentinels agree on it.
/// - Whether a majority of the Sentinels has answered is part of the verdict. Without it, those that answered may be the ones
///   that were cut off; nothing that takes writes should begin, and no master be left, on their word alone.
///
/// Clients such as redis-py and Jedis trust the first Sentinel that answers, also one that was cut off. A verdict is no
/// proof: who follows it asks the server that it names for its role first.
///
/// Times are those of any clock that never goes back, the same one in every call.
package struct SentinelView: Equatable, Sendable {
    /// How long an answer counts. Sentinels are asked once a second.
    package static let validity: Duration = .seconds(5)
    /// How long all Sentinels have to name one master with a lower epoch before that is taken for a new beginning: they were
    /// all started with new files.
    package static let restartPatience: Duration = .seconds(30)

    private struct Entry: Equatable {
        var sentinel: MasterAddress
        var answer: SentinelAnswer?
        var time: Duration = .zero
    }

    private struct Restart: Equatable {
        var master: MasterAddress
        var epoch: UInt64
        var since: Duration
    }

    /// What the last verdict named.
    private struct Named: Equatable {
        var master: MasterAddress
        var epoch: UInt64
    }

    private var entries: [Entry] = []
    private var last: Named?
    private var restart: Restart?

    package init(_ sentinels: [MasterAddress] = []) { watch(sentinels) }

    /// The Sentinels that are asked, each address one of them; those beyond ``SentinelSettings/maximumSentinels`` are left out.
    package var sentinels: [MasterAddress] { entries.map(\.sentinel) }

    /// Changes the Sentinels, as where a name has other addresses now; what is known of those that stay is kept.
    package mutating func watch(_ sentinels: [MasterAddress]) {
        var next: [Entry] = []
        for sentinel in sentinels where next.count < SentinelSettings.maximumSentinels {
            guard !next.contains(where: { $0.sentinel == sentinel }) else { continue }
            next.append(entries.first { $0.sentinel == sentinel } ?? Entry(sentinel: sentinel))
        }
        entries = next
    }

    /// Takes an answer, or that there was none (``SentinelAnswer/Reason/silent(_:)``). One that is not asked is ignored.
    package mutating func note(_ answer: SentinelAnswer, from sentinel: MasterAddress, at time: Duration) {
        guard let index = entries.firstIndex(where: { $0.sentinel == sentinel }), entries[index].time <= time else {
            return
        }
        entries[index].answer = answer
        entries[index].time = time
    }

    package mutating func verdict(at now: Duration) -> SentinelVerdict {
        let known = entries.filter { isFresh($0, at: now) }
        let named = known.compactMap { $0.answer?.named }
        guard let epoch = named.map(\.epoch).max() else {
            restart = nil
            return .unknown(doubtWithoutMaster(known))
        }
        let newest = known.filter { $0.answer?.named?.epoch == epoch }
        let addresses = newest.compactMap { $0.answer?.named?.address }.reduce(into: [MasterAddress]()) {
            list, address in
            if !list.contains(where: { $0.isSame(as: address) }) { list.append(address) }
        }
        // A Sentinel that did not answer yet may know a higher epoch, unless most of them agree already.
        let isAsking = known.count < entries.count && entries.contains { $0.answer == nil }
        if isAsking, addresses.count > 1 || newest.count * 2 <= entries.count { return .unknown(.asking) }
        if addresses.count > 1 {
            restart = nil
            return .unknown(.contradiction(addresses, epoch: epoch))
        }
        if let last, let doubt = doubt(addresses[0], epoch, last), !beginsAgain(addresses[0], epoch, named, at: now) {
            return .unknown(doubt)
        }
        restart = nil
        last = Named(master: addresses[0], epoch: epoch)
        for case .master(var master)? in newest.map(\.answer) {
            // Several are asked themselves.
            if entries.count > 1 { master.isMajorityForbidden = false }
            return .master(master, isMajority: isMajority(newest, of: named))
        }
        guard case .unknown(.masterDown(let master, let flags))? = newest.first?.answer else {
            return .unknown(.asking)
        }
        return .unknown(.masterDown(master, flags: flags))
    }

    private func isFresh(_ entry: Entry, at now: Duration) -> Bool {
        entry.answer != nil && now - entry.time <= Self.validity
    }

    /// Whether no fail-over can have passed those by that named a master: they are more than half of all. One address may stand
    /// for several Sentinels: there it is asked whether it reaches the others. With several addresses that does not count: a
    /// Sentinel that was started just now takes all others for reachable.
    private func isMajority(_ newest: [Entry], of named: [SentinelMaster]) -> Bool {
        guard entries.count == 1 else { return named.count * 2 > entries.count }
        return newest[0].answer?.named?.reachesMajority ?? true
    }

    /// Why what is named now is not newer than what was named last; `nil` where it may be.
    private func doubt(_ address: MasterAddress, _ epoch: UInt64, _ last: Named) -> SentinelVerdict.Doubt? {
        if epoch < last.epoch { return .olderEpoch(epoch, seen: last.epoch) }
        guard epoch == last.epoch, !address.isSame(as: last.master) else { return nil }
        return .contradiction([last.master, address], epoch: epoch)
    }

    /// Whether all Sentinels have named this master with the same epoch, and, if that is a lower one, for long enough. With the
    /// same epoch as before there is only another address of the same master, as where its name has changed its address.
    private mutating func beginsAgain(
        _ address: MasterAddress, _ epoch: UInt64, _ named: [SentinelMaster], at now: Duration
    ) -> Bool {
        guard named.count == entries.count, named.allSatisfy({ $0.epoch == epoch && $0.address.isSame(as: address) })
        else {
            restart = nil
            return false
        }
        // Several of one address may contradict each other in turns.
        let isEachAsked = entries.count > 1 || named[0].otherSentinels == 0
        if epoch == last?.epoch, isEachAsked { return true }
        guard let restart, restart.master.isSame(as: address), restart.epoch == epoch else {
            self.restart = Restart(master: address, epoch: epoch, since: now)
            return false
        }
        return now - restart.since >= Self.restartPatience
    }

    private func doubtWithoutMaster(_ known: [Entry]) -> SentinelVerdict.Doubt {
        if entries.contains(where: { $0.answer == nil }) { return .asking }
        let reached = known.filter {
            if case .unknown(.silent)? = $0.answer { false } else { true }
        }
        guard !reached.isEmpty else {
            return .noneReached(known.isEmpty ? ["the last answer of each is too old"] : reasons(known))
        }
        guard reached.allSatisfy({ $0.answer == .unknown(.unknownName) }) else { return .noneNamed(reasons(reached)) }
        return .unknownName(reached.map(\.sentinel))
    }

    private func reasons(_ entries: [Entry]) -> [String] {
        entries.compactMap { entry in entry.answer.map { "\(entry.sentinel) \($0)" } }
    }
}

extension SentinelView {
    /// What one Sentinel said last.
    package struct Report: Equatable, Sendable {
        package let sentinel: MasterAddress
        /// `nil` before its first answer, and where the last one is too old.
        package let answer: SentinelAnswer?
    }

    /// Whether one of the Sentinels leads a fail-over that is not over.
    package func isFailingOver(at now: Duration) -> Bool {
        entries.contains { isFresh($0, at: now) && $0.answer?.named?.isFailingOver == true }
    }

    /// Whether more than half of the Sentinels have answered something.
    package func isMajorityAnswering(at now: Duration) -> Bool {
        let answering = entries.count { entry in
            if case .unknown(.silent)? = entry.answer { false } else { isFresh(entry, at: now) }
        }
        return answering * 2 > entries.count
    }

    /// Whether one of the Sentinels says that the master is to be replaced: enough of them take it for down (`o_down`), or a
    /// fail-over is under way.
    package func isReplacementDue(at now: Duration) -> Bool {
        entries.contains { entry in
            guard isFresh(entry, at: now), let answer = entry.answer else { return false }
            if case .unknown(.masterDown(let master, let flags)) = answer {
                return master.isFailingOver || flags.contains("o_down")
            }
            return answer.named?.isBeingReplaced ?? false
        }
    }

    /// Of each Sentinel, in the order in which they are configured.
    package func reports(at now: Duration) -> [Report] {
        entries.map { Report(sentinel: $0.sentinel, answer: isFresh($0, at: now) ? $0.answer : nil) }
    }
}

/// What the Sentinels together say.
package enum SentinelVerdict: Equatable, Sendable {
    /// - Parameter isMajority: whether more than half of the Sentinels answered with a master, this one or an older one, or one
    ///   that reaches more than half of them did.
    case master(SentinelMaster, isMajority: Bool)
    case unknown(Doubt)

    package enum Doubt: Equatable, Sendable {
        /// Not every Sentinel has answered or failed to answer yet.
        case asking
        /// Not one Sentinel answers; why, of each.
        case noneReached([String])
        /// Those that answer have no master of this name.
        case unknownName([MasterAddress])
        /// Those that answer name no master; why, of each.
        case noneNamed([String])
        /// Every Sentinel that knows the newest epoch takes the master for down: a fail-over may follow.
        case masterDown(SentinelMaster, flags: [String])
        /// Several masters with the same epoch.
        case contradiction([MasterAddress], epoch: UInt64)
        /// Only an epoch that is lower than one that was seen.
        case olderEpoch(UInt64, seen: UInt64)
    }
}

extension SentinelVerdict {
    /// The master, where one is known and up.
    package var master: SentinelMaster? {
        if case .master(let master, _) = self { master } else { nil }
    }
}

extension SentinelVerdict.Doubt {
    /// For metrics, documents and programs: stable.
    package var code: String {
        switch self {
        case .asking: "asking"
        case .noneReached: "none-reached"
        case .unknownName: "unknown-name"
        case .noneNamed: "none-named"
        case .masterDown: "master-down"
        case .contradiction: "contradiction"
        case .olderEpoch: "older-epoch"
        }
    }
}

extension SentinelVerdict.Doubt: CustomStringConvertible {
    package var description: String {
        switch self {
        case .asking: "the Sentinels have not all answered yet"
        case .noneReached(let reasons): "no Sentinel answers: \(reasons.joined(separator: "; "))"
        case .unknownName(let sentinels):
            """
            no Sentinel has a master of this name (asked \(sentinels.map(\.description).joined(separator: ", "))); check \
            \(SentinelSettings.masterNameVariable)
            """
        case .noneNamed(let reasons): "no Sentinel names a master: \(reasons.joined(separator: "; "))"
        case .masterDown(let master, let flags):
            """
            Sentinel takes the master \(master.address) for down \
            (\(printable(flags.joined(separator: ",").utf8, limit: 120))); a fail-over may follow
            """
        case .contradiction(let masters, let epoch):
            """
            the Sentinels name several masters with epoch \(epoch): \
            \(masters.map(\.description).joined(separator: ", ")); check that all of them watch one installation
            """
        case .olderEpoch(let epoch, let seen):
            """
            the Sentinels that answer know only epoch \(epoch), and epoch \(seen) was seen before; one that knows it is \
            silent, or they were started with new files
            """
        }
    }
}
