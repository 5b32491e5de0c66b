import NIOCore
import Replication
public import ServerSelection

extension RedisLoop {
    /// Why there is no master although one of the servers may take writes, for an operator; `nil` where there is one.
    public var masterDoubt: String? { decision.doubt }

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
    }

    private func take(observationOf connection: RedisConnection) {
        guard !isShutDown else { return }
        var information: ReplicationInfo?
        if case .serving(let info) = connection.health { information = info }
        let selection = selector.take(
            information, isLoading: connection.health == .loading, runID: connection.runID, at: connection.endpoint,
            over: ObjectIdentifier(connection),
            seenAt: connection.healthSeenAt)
        judge(connection, by: selection)
        lookCloser()
    }

    func unwatch(_ connection: RedisConnection) {
        connection.whenSeen = nil
        selector.forget(ObjectIdentifier(connection))
    }

    /// Does what the process has decided.
    func apply(_ decision: ServerSelector.Decision) {
        guard !isShutDown, decision.number > self.decision.number else { return }
        let hadDoubt = self.decision.doubt != nil
        self.decision = decision
        if decision.master != master.endpoint { follow(decision.master) }
        let selection = selector.selection
        for connection in watched { judge(connection, by: selection) }
        if hadDoubt, decision.doubt == nil, master.isReadyForWrites { waitingWrites.resumeAll(isMasterFound: true) }
        lookCloser()
    }

    private var watched: [RedisConnection] {
        (isFollowing ? [configuredMaster, master] : [master]) + replicas
    }

    /// Sends writes to another server from now on. What the old one was sent it still answers.
    private func follow(_ endpoint: RedisEndpoint) {
        let old = master
        if endpoint == configuredMaster.endpoint {
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

    /// Asks all servers again soon while it is not clear which of them is the master.
    private func lookCloser() {
        let isUnclear =
            !master.isReadyForWrites || decision.doubt != nil
            || watched.contains { $0.foreignSince != nil && $0.exclusion == nil }
            || replicas.contains {
                $0.readSuitability == .unusable(.strayMaster) && !selector.selection.isSettledStray($0)
            }
        guard isUnclear, closerLook == nil, !isShutDown else { return }
        closerLook = eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(200)) {
            self.closerLook = nil
            guard !self.isShutDown else { return }
            for connection in self.watched { connection.checkHealth() }
            self.lookCloser()
        }
    }
}

extension RedisConnection {
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
