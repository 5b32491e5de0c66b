public import Logging
public import NIOCore

/// Everything one event loop knows of Redis: a connection to the master, and one to each replica.
///
/// Not thread-safe, and not `Sendable`: HTTP and Redis sockets of a request are on the same loop, so that a request never
/// changes threads.
public final class RedisLoop {
    public let flusher: TickFlusher
    public let master: RedisConnection
    public internal(set) var replicas: [RedisConnection] = []
    /// Connections that are to take the place of others, once they are ready.
    var successors: [(old: RedisConnection, new: RedisConnection)] = []

    /// The name behind which the replicas are found, where they are found by one.
    private let replicasName: String?
    public let configuration: RedisConnectionConfiguration
    private let eventLoop: any EventLoop
    private let logger: Logger
    /// Which replica is asked first among equals; moves on with every read.
    var turn: Int
    private(set) var isShutDown = false
    let waitingWrites: WaitingWrites
    let acknowledgedWrites: AcknowledgedWrites
    let counters = RedisCounters()

    /// Must be called on the event loop. Connects at once.
    ///
    /// - Parameter turn: which replica is asked first, so that loops do not all begin with the same one.
    public init(
        topology: RedisTopology, configuration: RedisConnectionConfiguration, eventLoop: any EventLoop,
        flusher: TickFlusher, turn: Int, logger: Logger
    ) {
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
        var silent = logger
        silent.logLevel = .critical
        self.acknowledgedWrites = AcknowledgedWrites(
            commandTimeout: configuration.commandTimeout, eventLoop: eventLoop
        ) { [patient, silent] in
            RedisConnection(
                endpoint: topology.master, wantsMaster: true, configuration: patient, eventLoop: eventLoop,
                flusher: flusher, logger: silent)
        }
        self.master = RedisConnection(
            endpoint: topology.master, wantsMaster: true, configuration: configuration, eventLoop: eventLoop,
            flusher: flusher, logger: logger, counters: counters)
        master.whenReady = { [waitingWrites] in waitingWrites.resumeAll(isMasterFound: true) }
        master.whenAway = { [waitingWrites] in waitingWrites.resumeAll(isMasterFound: false) }
        master.start()
        if case .endpoints(let endpoints) = topology.replicas { setReplicas(endpoints) }
    }

    /// Connects to those that are new, and lets go of those that are gone once they have answered what they owe.
    public func setReplicas(_ endpoints: [RedisEndpoint]) {
        guard !isShutDown else { return }
        let kept = replicas.filter { endpoints.contains($0.endpoint) }
        for connection in replicas where !endpoints.contains(connection.endpoint) { connection.shutDown() }
        for successor in successors where !endpoints.contains(successor.old.endpoint) { successor.new.shutDown() }
        successors.removeAll { !endpoints.contains($0.old.endpoint) }
        counters.keepOnly([master.endpoint] + endpoints)
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
        return connection
    }

    /// Asks every server for its health now, all in the same tick, so that their offsets can be compared.
    public func checkHealth() {
        master.checkHealth()
        for replica in replicas { replica.checkHealth() }
    }

    /// Waits for the replies that are owed, then closes every connection.
    public func shutDown(_ completion: @escaping () -> Void) {
        isShutDown = true
        waitingWrites.resumeAll(isMasterFound: false)
        let connections = [master] + replicas + successors.map(\.new)
        var open = connections.count + 1
        let closed = {
            open -= 1
            if open == 0 { completion() }
        }
        acknowledgedWrites.shutDown(closed)
        for connection in connections { connection.shutDown(closed) }
    }
}
