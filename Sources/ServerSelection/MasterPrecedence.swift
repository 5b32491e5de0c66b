/// Which of several servers that say they are the master takes writes: by what they say now, and by nothing that a process
/// remembers of its own choice, so that all processes that see the same servers give the same answer, or none.
///
/// | the two masters | the master is |
/// |---|---|
/// | both are behind the master's name | none |
/// | the younger history continues the older one, and its server is behind the name | the younger |
/// | the same, and more replicas follow one of them | that one |
/// | the same, as many follow each, and at least one | the older |
/// | the same, none follows, and the older wrote nothing since the promotion | the younger |
/// | the same, and only one of them wrote since then | that one |
/// | the same, and both did | the older, where it is behind the name; else none |
/// | both continue a third history, and more replicas follow one | that one |
/// | the same, as many follow each, and only one wrote since its promotion | that one |
/// | the same, both did or neither | the one behind the name; else the one promoted later in that history; else none |
/// | they share nothing, and the one outside the name was behind it before | the one behind the name |
/// | they share nothing, and more replicas follow the one outside the name | that one, if it was a replica; else none |
/// | they share nothing, as many follow each; only the one outside was a replica, and it wrote since its promotion | that one |
/// | they share nothing, else | the one behind the name |
/// | they share nothing, and neither is behind the name | the one that more replicas follow; else the one that was a replica; else none |
///
/// Followers are the known replicas in step with it. Where none is in step with either, what the two list themselves counts.
package struct MasterPrecedence {
    /// A server that says it is the master, with what the others say of it.
    public struct Contender: Equatable, Sendable {
        public var server: String
        public var history: History?
        /// Whether the master's name leads to it.
        public var isBehindName: Bool
        /// Whether the name led to it before.
        package var wasBehindName: Bool
        /// Known replicas that are in step with it.
        package var followers: Int
        /// Replicas that it lists itself.
        public var attached: Int

        public init(
            server: String, history: History?, isBehindName: Bool, wasBehindName: Bool = false, followers: Int = 0,
            attached: Int = 0
        ) {
            self.server = server
            self.history = history
            self.isBehindName = isBehindName
            self.wasBehindName = wasBehindName
            self.followers = followers
            self.attached = attached
        }
    }

    private enum Winner {
        case first, second, none

        var turned: Self {
            switch self {
            case .first: .second
            case .second: .first
            case .none: .none
            }
        }
    }

    /// - Returns: the server that comes before each of the others; `nil` where there is none.
    public static func first(of contenders: [Contender]) -> Contender? {
        contenders.first { one in
            contenders.allSatisfy { $0.server == one.server || winner(of: one, $0) == .first }
        }
    }

    private static func winner(of one: Contender, _ other: Contender) -> Winner {
        if one.isBehindName, other.isBehindName { return .none }
        if let history = one.history, let others = other.history {
            if history.continues(others.id) { return younger(one, history, older: other, others) }
            if others.continues(history.id) { return younger(other, others, older: one, history).turned }
            if let origin = history.origin, others.continues(origin) { return siblings(one, history, other, others) }
        }
        if one.isBehindName { return strangers(named: one, other) }
        if other.isBehindName { return strangers(named: other, one).turned }
        let byFollowers = compare(one, other)
        if byFollowers != .none { return byFollowers }
        return pick(one.hasOrigin, other.hasOrigin)
    }

    private static func younger(_ one: Contender, _ own: History, older other: Contender, _ others: History) -> Winner {
        if one.isBehindName { return .first }
        let byFollowers = compare(one, other)
        if byFollowers != .none { return byFollowers }
        if one.hasFollowers { return .second }
        guard others.offset >= own.fork else { return .first }
        if !own.hasOwnBytes { return .second }
        return other.isBehindName ? .second : .none
    }

    private static func siblings(_ one: Contender, _ own: History, _ other: Contender, _ others: History) -> Winner {
        let byFollowers = compare(one, other)
        if byFollowers != .none { return byFollowers }
        let byBytes = pick(own.hasOwnBytes, others.hasOwnBytes)
        if byBytes != .none { return byBytes }
        let byName = pick(one.isBehindName, other.isBehindName)
        if byName != .none { return byName }
        return own.hasOwnBytes ? .none : pick(own.fork > others.fork, others.fork > own.fork)
    }

    /// The two share no history, as far as they say.
    private static func strangers(named: Contender, _ other: Contender) -> Winner {
        guard let history = other.history, !other.wasBehindName else { return .first }
        switch compare(named, other) {
        case .first: return .first
        // A promoted server that restarts does not say any more that it was a replica. Nor does one that never was.
        case .second: return other.hasOrigin ? .second : .none
        case .none: return !named.hasOrigin && history.hasOwnBytes ? .second : .first
        }
    }

    /// By the replicas that follow each.
    private static func compare(_ one: Contender, _ other: Contender) -> Winner {
        if one.followers > 0 || other.followers > 0 {
            return pick(one.followers > other.followers, other.followers > one.followers)
        }
        return pick(one.attached > other.attached, other.attached > one.attached)
    }

    private static func pick(_ first: Bool, _ second: Bool) -> Winner {
        first == second ? .none : first ? .first : .second
    }
}

extension MasterPrecedence.Contender {
    fileprivate var hasOrigin: Bool { history?.origin != nil }
    fileprivate var hasFollowers: Bool { followers > 0 || attached > 0 }
}

extension History {
    /// Whether its server has written since it was promoted.
    fileprivate var hasOwnBytes: Bool { origin != nil && offset >= fork }
}
