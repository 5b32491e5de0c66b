public import Logging
public import NIOCore

/// Everything one event loop knows of Redis: a connection to the master, and one to each replica.
///
/// Not thread-safe, and not `Sendable`: HTTP and Redis sockets of a request are on the same loop, so that a request never
/// changes threads.
public final class RedisLoop {
    public let flusher: TickFlusher
    /// The connection to the master: the configured server, or another one that was promoted.
    public internal(set) var master: RedisConnection
    /// The connection to the server that is configured as the master.
    let configuredMaster: RedisConnection
    /// The replicas as they are given or found.
    var givenReplicas: [RedisEndpoint] = []
    /// Whether it is known where they are.
    private(set) var hasReplicas = false
    let selector: ServerSelector
    var decision: ServerSelector.Decision
    /// Whether nothing keeps writes from the master but its connection: what every write asks for.
    var takesWrites = true
    /// Finds the masters behind the master's name, on one event loop of the process.
    private(set) var survey: MasterSurvey?
    /// The next unscheduled check of all servers.
    var closerLook: Scheduled<Void>?
    /// Since when it is not clear which of them is the master.
    var unclearSince: NIODeadline?
    public internal(set) var replicas: [RedisConnection] = []
    /// Connections that are to take the place of others, once they are ready.
    var successors: [(old: RedisConnection, new: RedisConnection)] = []

    /// Whether no master is configured: the leader is found among ``replicas``, which are all nodes then.
    public let findsLeader: Bool
    /// Whether writes wait a moment, since the leader refused one for a reason that passes.
    var isLeaderRefusing = false
    var nextTry: Scheduled<Void>?
    /// The names behind which the replicas are found.
    private let names: ServerNames
    public let configuration: RedisConnectionConfiguration
    /// For connections that wait for replicas.
    private let patientConfiguration: RedisConnectionConfiguration
    let eventLoop: any EventLoop
    private let logger: Logger
    /// Which replica is asked first among equals; moves on with every read.
    var turn: Int
    private(set) var isShutDown = false
    let waitingWrites: WaitingWrites
    let acknowledgedWrites: AcknowledgedWrites
    let counters = RedisCounters()
    /// Keys whose values were large when they were last read.
    var largeKeys = LargeKeys()
    /// Connections for large values that are handed on piece by piece, and for those that are gathered.
    let streamedReads: OwnConnections
    let gatheredReads: OwnConnections

    /// Must be called on the event loop. Connects at once.
    ///
    /// - Parameters:
    ///   - turn: which replica is asked first, so that loops do not all begin with the same one.
    ///   - loops: how many event loops there are, which share what is bounded for the process.
    public convenience init(
        topology: RedisTopology, configuration: RedisConnectionConfiguration, eventLoop: any EventLoop,
        flusher: TickFlusher, turn: Int, loops: Int = 1, logger: Logger
    ) {
        self.init(
            topology: topology, configuration: configuration, eventLoop: eventLoop, flusher: flusher, turn: turn,
            selector: ServerSelector(topology, logger: logger), loops: loops, logger: logger)
    }

    /// - Parameter selector: that of all event loops of the process.
    init(
        topology: RedisTopology, configuration: RedisConnectionConfiguration, eventLoop: any EventLoop,
        flusher: TickFlusher, turn: Int, selector: ServerSelector, loops: Int, logger: Logger
    ) {
        self.selector = selector
        self.decision = ServerSelector.Decision(master: topology.master)
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        self.turn = turn
        self.flusher = flusher
        let names = ServerNames()
        if case .name(let name) = topology.replicas { names.common = name.host }
        self.names = names
        self.findsLeader = topology.findsLeader
        self.waitingWrites = WaitingWrites(
            eventLoop: eventLoop, longest: .init(configuration.writeHold),
            limit: topology.findsLeader ? WaitingWrites.largeLimit : WaitingWrites.limit)
        // Its connections wait for replicas, ten seconds at the most, and then for Redis; what happens to them happens to the
        // master's own connection too, which tells of it.
        var patient = configuration
        patient.commandTimeout = .seconds(10) + configuration.commandTimeout * 2
        patient.stallTimeout = patient.commandTimeout
        self.patientConfiguration = patient
        self.acknowledgedWrites = AcknowledgedWrites(
            commandTimeout: configuration.commandTimeout, eventLoop: eventLoop)
        var silent = logger
        silent.logLevel = .critical
        var own = configuration
        own.isShared = false
        // Nothing shall be asked behind a large value.
        own.healthInterval = .seconds(86_400)
        let configured = topology.master
        let makeOwn = { [own, silent, names] (endpoint: RedisEndpoint, isMaster: Bool) in
            RedisConnection(
                endpoint: endpoint, name: isMaster && endpoint == configured ? nil : names[endpoint],
                configuration: own,
                eventLoop: eventLoop, flusher: flusher, logger: silent)
        }
        self.streamedReads = OwnConnections(
            limit: max(1, configuration.maximumLargeReads / loops), eventLoop: eventLoop, makeConnection: makeOwn)
        self.gatheredReads = OwnConnections(
            limit: max(1, configuration.maximumLargeReads / 8 / loops), eventLoop: eventLoop, makeConnection: makeOwn)
        self.configuredMaster = RedisConnection(
            endpoint: topology.master, wantsMaster: true, configuration: configuration, eventLoop: eventLoop,
            flusher: flusher, logger: logger, counters: counters)
        self.master = configuredMaster
        configuredMaster.separateReads()
        configuredMaster.reads?.whenSeen = { [unowned self] in noteClaim(of: $0) }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        selector.subscribe { decision in bound.eventLoop.execute { bound.value.apply(decision) } }
        acknowledgedWrites.takesWrites = { [unowned self] in takesWrites }
        acknowledgedWrites.mayUse = { [unowned self] in mayWrite(over: $0) }
        acknowledgedWrites.makeConnection = { [unowned self] in self.makeAcknowledgedWriteConnection() }
        if findsLeader {
            // The configured master only stands for the leader until one is found: it is never connected to.
            apply(selector.review())
            lookCloser()
            return
        }
        resumeWrites(with: configuredMaster)
        watch(configuredMaster)
        if selector.beginSurvey() {
            survey = MasterSurvey(
                of: topology.master, nodes: topology.masterNodes, configuration: own, eventLoop: eventLoop,
                flusher: flusher, logger: logger, for: self)
        }
        apply(selector.review())
        master.start()
        survey?.start()
        if case .endpoints(let endpoints) = topology.replicas { setReplicas(endpoints) }
    }

    /// As ``setReplicas(_:)``, with the name that led to each.
    func setReplicas(_ found: [ReplicaDiscovery.Found]) {
        names.own = Dictionary(found.map { ($0.endpoint, $0.name) }) { first, _ in first }
        setReplicas(found.map(\.endpoint))
    }

    /// Connects to those that are new, and lets go of those that are gone once they have answered what they owe.
    package func setReplicas(_ given: [RedisEndpoint]) {
        guard !isShutDown else { return }
        givenReplicas = given
        hasReplicas = true
        // While another server is the master, the configured one may be a replica.
        let endpoints =
            isFollowing && !findsLeader && !given.contains(configuredMaster.endpoint)
            ? given + [configuredMaster.endpoint] : given
        let kept = replicas.filter { endpoints.contains($0.endpoint) }
        for connection in replicas where !endpoints.contains(connection.endpoint) {
            unwatch(connection)
            connection.shutDown()
        }
        for successor in successors where !endpoints.contains(successor.old.endpoint) { successor.new.shutDown() }
        successors.removeAll { !endpoints.contains($0.old.endpoint) }
        counters.keepOnly(
            (findsLeader && isFollowing ? [] : [configuredMaster.endpoint]) + [master.endpoint] + endpoints)
        let added = endpoints.filter { endpoint in !kept.contains { $0.endpoint == endpoint } }
            .map(makeReplica)
        replicas = kept + added
        for connection in added { connection.start() }
        survey?.endIfComplete()
    }

    func makeReplica(at endpoint: RedisEndpoint) -> RedisConnection {
        let connection = RedisConnection(
            endpoint: endpoint, name: names[endpoint], configuration: configuration, eventLoop: eventLoop,
            flusher: flusher, logger: logger, counters: counters)
        connection.whenAged = { self.replace($0) }
        watch(connection)
        return connection
    }

    /// A connection to a server that was promoted, not started.
    func makeMaster(at endpoint: RedisEndpoint) -> RedisConnection {
        let connection = RedisConnection(
            endpoint: endpoint, name: names[endpoint], wantsMaster: true, configuration: configuration,
            eventLoop: eventLoop, flusher: flusher, logger: silent, counters: counters)
        connection.separateReads()
        resumeWrites(with: connection)
        return connection
    }

    /// Has writes that wait go on, or end their wait, by what becomes of the connection while it is the master's.
    private func resumeWrites(with connection: RedisConnection) {
        connection.whenReady = { [unowned self, unowned connection] in
            if connection === master, takesWrites { waitingWrites.resumeAll(isMasterFound: true) }
        }
        // Among all nodes, another one may lead in a moment.
        if findsLeader { return }
        connection.whenAway = { [unowned self, unowned connection] in
            if connection === master { waitingWrites.resumeAll(isMasterFound: false) }
        }
    }

    /// For connections to a server of which another connection tells.
    private var silent: Logger {
        var silent = logger
        silent.logLevel = .critical
        return silent
    }

    private func makeAcknowledgedWriteConnection() -> RedisConnection {
        let connection = RedisConnection(
            endpoint: master.endpoint, name: isFollowing ? names[master.endpoint] : nil, wantsMaster: true,
            configuration: patientConfiguration, eventLoop: eventLoop, flusher: flusher, logger: silent)
        if !isFollowing { connection.whenSeen = { [unowned self] in noteClaim(of: $0) } }
        return connection
    }

    /// Asks every server for its health now, all in the same tick, so that their offsets can be compared.
    public func checkHealth() {
        master.checkHealth()
        if isFollowing, !findsLeader { configuredMaster.checkHealth() }
        for replica in replicas { replica.checkHealth() }
    }

    /// Waits for the replies that are owed, then closes every connection.
    public func shutDown(_ completion: @escaping () -> Void) {
        isShutDown = true
        waitingWrites.resumeAll(isMasterFound: false)
        closerLook?.cancel()
        nextTry?.cancel()
        let connections =
            (isFollowing ? [master, configuredMaster] : [master]) + replicas + successors.map(\.new)
        var open = connections.count + (survey == nil ? 3 : 4)
        let closed = {
            open -= 1
            if open == 0 { completion() }
        }
        acknowledgedWrites.shutDown(closed)
        streamedReads.shutDown(closed)
        gatheredReads.shutDown(closed)
        survey?.shutDown(closed)
        for connection in connections { connection.shutDown(closed) }
    }
}

/// What the operator calls servers that are known by an address, for their certificates.
final class ServerNames {
    /// That of all.
    var common: String?
    /// Those of some.
    var own: [RedisEndpoint: String] = [:]

    subscript(endpoint: RedisEndpoint) -> String? { own[endpoint] ?? common }
}
