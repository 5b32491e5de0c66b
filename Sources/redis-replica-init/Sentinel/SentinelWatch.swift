import Glibc
import RedisCore
import ReplicaPlanning

/// Asks the Sentinels who the master is, repeatedly if necessary, and continues the start or ends it.
enum SentinelWatch {
    /// - Returns: nil where Sentinel is not followed.
    static func perform(_ plan: Plan) throws(Failure) -> SentinelWord? {
        guard let question = plan.sentinel else { return nil }
        Interruption.watch()
        signal(SIGPIPE, SIG_IGN)
        let begin = Moment.now
        let start = SentinelStart(question, hasData: !MasterData(plan.data, files: LiveFiles()).isEmpty)
        let own = OwnAddresses(question.own)
        let round = try SentinelRound(question, since: begin)
        var told = Told()
        while true {
            let verdict = round.look()
            let step = start.step(
                verdict, isMajorityAnswering: round.isMajorityAnswering, isReplacementDue: round.isReplacementDue,
                isThisServer: { isThisServer($0, question, own) }, elapsedSeconds: begin.elapsedSeconds)
            switch step {
            case .askAgain(let why):
                told.tell("waiting for Sentinel (\(begin.elapsedSeconds) s): \(why)", at: begin.elapsedSeconds)
            case .follow(let master, let said, let warning):
                Terminal.complain((warning.map { ["warning: \($0)"] } ?? []) + ["note: \(said)"])
                return .master(master)
            case .lead(let said, let warning):
                Terminal.complain((warning.map { ["warning: \($0)"] } ?? []) + ["note: \(said)"])
                return .thisServer
            case .asConfigured(let warning):
                Terminal.complain(["warning: \(warning): the variables decide"])
                return .nothing
            case .block(let reason): throw .blocked([reason])
            }
        }
    }

    /// By what it is called, else by the addresses that the name has.
    private static func isThisServer(
        _ address: MasterAddress, _ question: SentinelQuestion, _ own: OwnAddresses
    ) -> Bool {
        // A master's Service leads to it, regardless of its own address.
        if question.isMaster, let service = question.configured, service == address { return true }
        let host = Array(address.host.utf8)
        if question.own.contains(host, address.port) { return true }
        guard case .found(let addresses) = NameLookUp.addresses(of: host, in: question.namespace) else { return false }
        return addresses.contains { own.contains($0, address.port) }
    }
}

extension MasterData {
    fileprivate var isEmpty: Bool {
        if case .empty = self { true } else { false }
    }
}
