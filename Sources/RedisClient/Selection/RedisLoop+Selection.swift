import NIOCore
import RedisCore
public import ServerSelection

extension RedisLoop {
    /// Why there is no master although one of the servers may take writes, for an operator; `nil` where there is one.
    public var masterDoubt: String? { decision.doubt }

    /// Where those are that say they are the master, where that keeps writes from all of them.
    public var masterPlaces: String? { decision.places }

    /// Whether another server than the configured one is the master.
    public var isFollowing: Bool { master !== configuredMaster }

    /// What a server is in the system.
    public func standing(of connection: RedisConnection) -> ServerStanding {
        guard case .serving(let info) = connection.health else { return .unknown }
        return selector.selection.standing(of: info)
    }

    public var configuredMasterEndpoint: RedisEndpoint { configuredMaster.endpoint }

    /// What the last change of the master was, for an operator; `nil` before there was one.
    public var lastMasterChange: String? { selector.selection.lastChange.map(ServerSelector.words) }

    /// What the selection of the master knows.
    public var selection: MasterSelection { selector.selection }

    /// How often another server has become the master, for the whole process.
    public var masterChanges: Int { selector.changes }

    /// Has the connection tell what its server says, for the choice of the master, and judges it by that choice.
    func watch(_ connection: RedisConnection) {
        connection.whenSeen = { [unowned self] in self.take(observationOf: $0) }
        connection.whenRefused = { [unowned self] in self.noteRefusal(by: $0) }
        if let survey { connection.whenLost = { [unowned survey] in survey.endIfComplete() } }
    }

    private func take(observationOf connection: RedisConnection) {
        guard !isShutDown else { return }
        let isNamed = connection === configuredMaster
        let decision = selector.note(connection, door: isNamed ? .masterName : .serverList, isChosenBy: true)
        judge(connection, by: selector.selection)
        // What is written behind the name goes to the server that was met, from now on; another decision follows later.
        if isNamed { apply(decision) }
        if survey != nil { survey?.endIfComplete() }
        lookCloser()
    }

    /// Takes what a connection to the master's name has met, before anything is written over it.
    func noteClaim(
        of connection: RedisConnection, door: MasterObservations.Door = .masterName, isKept: Bool = true
    ) {
        guard !isShutDown else { return }
        apply(selector.note(connection, door: door, isKept: isKept))
    }

    func noteRefusal(by connection: RedisConnection) {
        guard !isShutDown else { return }
        apply(selector.noteRefusal(at: connection.endpoint))
    }

    func forgetClaim(of connection: RedisConnection) {
        guard !isShutDown else { return }
        apply(selector.forget(connection))
    }

    /// Whether each of the replicas has said what it is, or was not reached: where they are found by a name, once it has led
    /// somewhere.
    var hasHeardReplicas: Bool { hasReplicas && replicas.allSatisfy(\.hasBeenTried) }

    func endSurvey() {
        guard !isShutDown else { return }
        apply(selector.endSurvey())
    }

    /// Whether the process waits for an answer to whether there is one master, or for the first connection to it.
    public var isMasterComingBack: Bool { findsLeader || decision.holdsWrites || master.isComingBack }

    /// Which node leads; `nil` where a master is configured.
    public var leaderReport: LeaderReport? { findsLeader ? selector.report : nil }

    /// What the Sentinels say; `nil` where they do not decide.
    public var sentinelReport: SentinelReport? { findsLeader ? selector.sentinelReport : nil }

    /// Writes that wait for a master now.
    public var waitingWriteCount: Int { waitingWrites.count }

    /// Writes that have waited for one since the process began.
    public var waitedWriteCount: Int { waitingWrites.total }

    /// Why no node takes writes, in words for an operator; `nil` where one does, and where a master is configured.
    public var leaderAbsence: String? { findsLeader ? decision.absence?.words : nil }

    /// How many servers say that they are the master, wherever they were met.
    public var masters: Int { selector.masters }

    /// Whether a connection leads to the same server as the master's own, as far as they tell.
    func mayWrite(over connection: RedisConnection) -> Bool { takesWrites && isMaster(connection.runID) }

    func isMaster(_ runID: [UInt8]?) -> Bool {
        guard let runID, let own = master.runID else { return true }
        return runID == own
    }

    /// Whether a streamed write may be ended: there is one master, and its connection leads there.
    public func mayFinish(_ write: StreamedWrite) -> Bool { takesWrites && isMaster(write.runID) }

    func unwatch(_ connection: RedisConnection) {
        connection.whenSeen = nil
        connection.whenRefused = nil
        connection.whenLost = nil
        _ = selector.forget(connection)
    }

    /// Does what the process has decided.
    func apply(_ decision: ServerSelector.Decision) {
        guard !isShutDown, decision.number > self.decision.number else { return }
        let tookWrites = takesWrites
        self.decision = decision
        takesWrites = decision.doubt == nil && !decision.holdsWrites && !isLeaderRefusing
        if decision.master != master.endpoint || (decision.hasLeader && master === configuredMaster && findsLeader) {
            follow(decision.master)
        } else if findsLeader, takesWrites, !tookWrites {
            // It leads again: no need to wait with the next connect.
            master.connectNow()
        }
        let selection = selector.selection
        for connection in watched { judge(connection, by: selection) }
        if decision.holdsWrites, tookWrites { askMastersAgain() }
        if decision.doubt != nil || (takesWrites && master.isReadyForWrites && !tookWrites) {
            waitingWrites.resumeAll(isMasterFound: true)
        }
        if decision.doubt != nil { acknowledgedWrites.failAll(.noSingleMaster) }
        if takesWrites, !tookWrites { acknowledgedWrites.serve() }
        lookCloser()
        leaveFormerMaster()
    }

    /// Sends nothing more to a server that has not yet said anything else than that it is the master, while another one is. It
    /// may stand still: what it is sent now, it would carry out once it goes on.
    private func leaveFormerMaster() {
        guard !findsLeader, !isFollowing, let server = decision.server, let runID = master.runID, takesWrites,
            String(decoding: runID, as: UTF8.self) != server, case .serving(let info) = master.health,
            info.role == .master
        else { return }
        master.leave()
        master.reads?.giveUp()
    }

    /// Has every server asked at once: what they say decides whether there are two masters.
    private func askMastersAgain() {
        for connection in watched { connection.checkHealth() }
        if findsLeader { return acknowledgedWrites.checkHealth() }
        configuredMaster.checkHealth()
        configuredMaster.reads?.checkHealth()
        acknowledgedWrites.checkHealth()
        survey?.checkHealth()
    }

    private var watched: [RedisConnection] {
        (isFollowing && !findsLeader ? [configuredMaster, master] : [master]) + replicas
    }

    /// Sends writes to another server from now on. What the old one was sent it still answers.
    private func follow(_ endpoint: RedisEndpoint) {
        let old = master
        if endpoint == configuredMaster.endpoint, !findsLeader {
            master = configuredMaster
        } else {
            master = makeMaster(at: endpoint)
            watch(master)
            master.start()
        }
        if old !== configuredMaster {
            unwatch(old)
            old.shutDown()
        }
        acknowledgedWrites.moveToAnotherServer()
        setReplicas(givenReplicas)
        if master.isReadyForWrites { waitingWrites.resumeAll(isMasterFound: true) }
    }

    /// Leaves a server out of reads whose history is not the master's.
    private func judge(_ connection: RedisConnection, by selection: MasterSelection) {
        guard case .serving(let info) = connection.health else {
            connection.foreignSince = nil
            return
        }
        switch selection.standing(of: info) {
        case .master, .replica, .unknown:
            connection.foreignSince = nil
            connection.exclusion = nil
        case .behind:
            connection.foreignSince = nil
            connection.exclusion = .stale
        case .strayMaster where isSuccessor(info, selection), .foreign where isSuccessor(info, selection):
            connection.foreignSince = nil
            connection.exclusion = .stale
        case .strayMaster:
            connection.exclusion = .unusable(.strayMaster)
        case .rival(let isLastResort):
            connection.exclusion = isLastResort ? .stale : .unusable(.rival)
        case .foreign:
            // The two were not asked at the same moment: it counts once both were asked again.
            let historySeenAt = NIODeadline.uptimeNanoseconds(UInt64(max(0, selection.historySeenAt)))
            if let since = connection.foreignSince {
                if connection.healthSeenAt > since, historySeenAt > since {
                    connection.exclusion = .unusable(.anotherHistory)
                }
            } else {
                connection.foreignSince = .now()
            }
        }
    }

    /// Whether a server goes on from the last leader's history while none leads: it may be the next one, or follow that.
    private func isSuccessor(_ information: ReplicationInfo, _ selection: MasterSelection) -> Bool {
        guard findsLeader, decision.absence != nil, decision.doubt == nil, let last = selection.history else {
            return false
        }
        return History(of: information)?.continues(last.id) == true
    }

    /// How long all nodes are asked in quick succession while none leads.
    private static let changeTime = TimeAmount.seconds(10)

    /// Asks all servers again soon while it is not clear which of them is the master.
    func lookCloser() {
        let isUnclear =
            !master.isReadyForWrites || !takesWrites
            || watched.contains { $0.foreignSince != nil && $0.exclusion == nil }
            || replicas.contains {
                $0.readSuitability == .unusable(.strayMaster) && !selector.selection.isSettledStray($0)
            }
        guard isUnclear else {
            unclearSince = nil
            return
        }
        guard closerLook == nil, !isShutDown else { return }
        let since = unclearSince ?? .now()
        unclearSince = since
        // A change of the leader takes some milliseconds, and writes wait for each of them.
        let isFresh = findsLeader && NIODeadline.now() - since < Self.changeTime
        closerLook = eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(isFresh ? 20 : 200)) {
            self.closerLook = nil
            guard !self.isShutDown else { return }
            for connection in self.watched { connection.checkHealth() }
            if !self.takesWrites {
                self.askMastersAgain()
                self.apply(self.selector.review())
            }
            self.lookCloser()
        }
    }
}

extension RedisConnection {
    /// Whether the server has said what it is, or the first attempt to reach it has failed.
    fileprivate var hasBeenTried: Bool {
        switch machine.state {
        case .idle, .connecting(failures: 0), .handshaking(failures: 0): false
        case .connecting, .handshaking, .ready, .misplaced, .leaving, .replacing, .backingOff, .draining, .closed: true
        }
    }

    /// Nanoseconds since the server was last found in step with the master.
    public var lagNanoseconds: Int64 { server.lag.nanoseconds(at: .now()) }
}

extension MasterSelection {
    /// Whether there is nothing more to find out of another master.
    fileprivate func isSettledStray(_ connection: RedisConnection) -> Bool {
        guard case .serving(let info) = connection.health, let history = History(of: info) else { return true }
        return isOldStray(history.id)
    }
}
