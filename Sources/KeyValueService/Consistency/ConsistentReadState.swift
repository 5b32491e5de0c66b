import RedisCore

/// The state of a read that asks for proof, as a value: what servers say goes in, what to do next comes out.
///
/// ```
/// begin ─▶ askReplica ─satisfied─▶ answer
///              │  └──wait, while there is time──▶ askAgain, later ─▶ askReplica
///              └──wait, when there is none; unknown; no replica──▶ askMaster
/// askMaster ─satisfied, unknown─▶ answer        ─lost─▶ refuse
///     └──missing, while there is time──▶ askAgain
///     └──missing, when there is none──▶ askOtherReplica, each once ─satisfied─▶ answer
///                                            └──none is left──▶ refuse
/// ```
struct ConsistentReadState: Equatable {
    enum Step: Equatable {
        /// One that is in step, each in turn.
        case askReplica
        /// One that has not been asked yet.
        case askOtherReplica
        case askMaster
        case askAgain(afterMilliseconds: Int64)
        case answer(ReplicationVerdict)
        case refuse(Problem)
    }

    /// The longest pause between two questions.
    static let longestPauseMilliseconds: Int64 = 20

    private let wantsLag: Bool
    private var pause: Int64 = 1
    /// Why the master cannot be asked, once it has been tried for the last time.
    private var masterProblem: Problem?

    /// - Parameter wantsLag: whether `max-lag` was asked, for which a refusal has its own name.
    init(wantsLag: Bool) { self.wantsLag = wantsLag }

    /// - Parameter mayProve: whether there is something that a replica could prove.
    func begin(mayProve: Bool) -> Step { mayProve ? .askReplica : .askMaster }

    /// A replica has reported its position.
    ///
    /// - Parameter hasTime: whether the read may wait.
    mutating func replicaSaid(_ verdict: ReplicationVerdict, hasTime: Bool) -> Step {
        switch verdict {
        case .satisfied: .answer(.satisfied)
        case .wait where hasTime: askAgain()
        // A replica that says that it is a master may be one that was promoted, or one that was cut off: only the server
        // that is configured as the master can say what is lost.
        case .wait, .unknown, .lost: masterProblem == nil ? .askMaster : .askOtherReplica
        }
    }

    /// There is no replica that could be asked.
    func replicaMissing() -> Step {
        guard let masterProblem else { return .askMaster }
        return .refuse(wantsLag ? .replicationLagUnknown : masterProblem)
    }

    /// The server that is configured as the master has reported its position.
    ///
    /// - Parameter isMaster: whether it says itself that it is one.
    mutating func masterSaid(_ verdict: ReplicationVerdict, isMaster: Bool, hasTime: Bool) -> Step {
        switch verdict {
        case .satisfied: .answer(.satisfied)
        case .lost where isMaster: .refuse(.replicationLost)
        case .unknown where isMaster, .wait where isMaster: .answer(.unknown)
        case .unknown, .wait, .lost: masterMissing(.redisReadOnly, hasTime: hasTime)
        }
    }

    /// The master cannot be asked.
    mutating func masterMissing(_ problem: Problem, hasTime: Bool) -> Step {
        if hasTime { return askAgain() }
        masterProblem = problem
        return .askOtherReplica
    }

    private mutating func askAgain() -> Step {
        defer { pause = min(pause * 2, Self.longestPauseMilliseconds) }
        return .askAgain(afterMilliseconds: pause)
    }
}
