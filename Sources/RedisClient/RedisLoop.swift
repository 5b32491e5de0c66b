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
    let selector: ServerSelector
    var decision: ServerSelector.Decision
    /// The next look at all servers out of turn.
    var closerLook: Scheduled<Void>?
    public internal(set) var replicas: [RedisConnection] = []
    /// Connections that are to take the place of others, once they are ready.
    var successors: [(old: RedisConnection, new: RedisConnection)] = []

    /// The name behind which the replicas are found, where they are found by one.
    private let replicasName: String?
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
            selector: ServerSelector(configured: topology.master, logger: logger), loops: loops, logger: logger)
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
        if case .name(let name) = topology.replicas { replicasName = name.host } else { replicasName = nil }
        self.waitingWrites = WaitingWrites(eventLoop: eventLoop)
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
        let makeOwn = { [own, silent, replicasName] (endpoint: RedisEndpoint, isMaster: Bool) in
            RedisConnection(
                endpoint: endpoint, name: isMaster && endpoint == configured ? nil : replicasName, configuration: own,
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
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        selector.subscribe { decision in bound.eventLoop.execute { bound.value.apply(decision) } }
        acknowledgedWrites.makeConnection = { [unowned self] in self.makeAcknowledgedWriteConnection() }
        resumeWrites(with: configuredMaster)
        watch(configuredMaster)
        master.start()
        if case .endpoints(let endpoints) = topology.replicas { setReplicas(endpoints) }
    }

    /// Connects to those that are new, and lets go of those that are gone once they have answered what they owe.
    public func setReplicas(_ given: [RedisEndpoint]) {
        guard !isShutDown else { return }
        givenReplicas = given
        // While another server is the master, the configured one may be a replica.
        let endpoints =
            isFollowing && !given.contains(configuredMaster.endpoint) ? given + [configuredMaster.endpoint] : given
        let kept = replicas.filter { endpoints.contains($0.endpoint) }
        for connection in replicas where !endpoints.contains(connection.endpoint) {
            unwatch(connection)
            connection.shutDown()
        }
        for successor in successors where !endpoints.contains(successor.old.endpoint) { successor.new.shutDown() }
        successors.removeAll { !endpoints.contains($0.old.endpoint) }
        counters.keepOnly([configuredMaster.endpoint, master.endpoint] + endpoints)
        let added = endpoints.filter { endpoint in !kept.contains { $0.endpoint == endpoint } }
            .map(makeReplica)
        replicas = kept + added
        for connection in added { connection.start() }
    }

    func makeReplica(at endpoint: RedisEndpoint) -> RedisConnection {
        let connection = RedisConnection(
            endpoint: endpoint, name: replicasName, configuration: configuration, eventLoop: eventLoop,
            flusher: flusher, logger: logger, counters: counters)
        connection.whenAged = { self.replace($0) }
        watch(connection)
        return connection
    }

    /// A connection to a server that was promoted, not started.
    func makeMaster(at endpoint: RedisEndpoint) -> RedisConnection {
        let connection = RedisConnection(
            endpoint: endpoint, name: replicasName, wantsMaster: true, configuration: configuration,
            eventLoop: eventLoop, flusher: flusher, logger: silent, counters: counters)
        connection.separateReads()
        resumeWrites(with: connection)
        return connection
    }

    /// Has writes that wait go on, or end their wait, by what becomes of the connection while it is the master's.
    private func resumeWrites(with connection: RedisConnection) {
        connection.whenReady = { [unowned self, unowned connection] in
            if connection === master, decision.doubt == nil { waitingWrites.resumeAll(isMasterFound: true) }
        }
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
        RedisConnection(
            endpoint: master.endpoint, name: isFollowing ? replicasName : nil, wantsMaster: true,
            configuration: patientConfiguration, eventLoop: eventLoop, flusher: flusher, logger: silent)
    }

    /// Asks every server for its health now, all in the same tick, so that their offsets can be compared.
    public func checkHealth() {
        master.checkHealth()
        if isFollowing { configuredMaster.checkHealth() }
        for replica in replicas { replica.checkHealth() }
    }

    /// Waits for the replies that are owed, then closes every connection.
    public func shutDown(_ completion: @escaping () -> Void) {
        isShutDown = true
        waitingWrites.resumeAll(isMasterFound: false)
        closerLook?.cancel()
        let connections =
            (isFollowing ? [master, configuredMaster] : [master]) + replicas + successors.map(\.new)
        var open = connections.count + 3
        let closed = {
            open -= 1
            if open == 0 { completion() }
        }
        acknowledgedWrites.shutDown(closed)
        streamedReads.shutDown(closed)
        gatheredReads.shutDown(closed)
        for connection in connections { connection.shutDown(closed) }
    }
}
