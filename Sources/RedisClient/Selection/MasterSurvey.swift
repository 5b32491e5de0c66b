import Logging
import NIOCore
import ServerSelection

/// Finds out which masters there are behind the master's name, for the whole process, on one of its event loops.
///
/// One connection to a Service's address shows one of the servers behind it. So new connections are made to it, several before
/// the first write and one every two seconds; each is closed once its server has said what it is. With two masters, eight
/// connections to a random server miss one of them once in 128 times. A headless name that has the address of each shows
/// them all. The first write waits for the replicas' first answers, too: one of them may have been promoted.
///
/// Lives on its event loop; neither thread-safe nor `Sendable`.
final class MasterSurvey {
    /// Connections before the first write.
    static let firstLooks = 8
    /// How long the first write waits for them at the most. Less than a write waits for the master.
    static let limit: TimeAmount = .milliseconds(700)
    static let interval: TimeAmount = .seconds(2)
    /// Addresses of the headless name that are looked at.
    static let nodesLimit = 16

    private let name: RedisEndpoint
    private let nodesName: RedisEndpoint?
    private let configuration: RedisConnectionConfiguration
    private let eventLoop: any EventLoop
    private let isolatedLoop: NIOIsolatedEventLoop
    private let flusher: TickFlusher
    private let logger: Logger
    private let lookUp: NameLookUp
    private unowned let loop: RedisLoop
    /// Those that are closed behind their first answer.
    private var looks: [ObjectIdentifier: RedisConnection] = [:]
    /// Those to the addresses of the headless name, and who of them has said what it is, or has not been reached.
    private var nodes: [RedisConnection] = []
    private var heard: Set<ObjectIdentifier> = []
    private var hasNodes = false
    private var trouble: String?
    private var isOver = false
    private var isShutDown = false
    private var limitTimer: Scheduled<Void>?
    private var timer: Scheduled<Void>?
    private var whenShutDown: (() -> Void)?
    private var closing = 0

    /// Must be called on the event loop.
    ///
    /// - Parameters:
    ///   - nodes: a headless name with the addresses of all masters; `nil` where there is none.
    ///   - configuration: of connections that no one shares.
    init(
        of name: RedisEndpoint, nodes: RedisEndpoint?, configuration: RedisConnectionConfiguration,
        eventLoop: any EventLoop, flusher: TickFlusher, logger: Logger, for loop: RedisLoop
    ) {
        self.name = name
        nodesName = nodes
        self.configuration = configuration
        self.eventLoop = eventLoop
        isolatedLoop = eventLoop.assumeIsolated()
        self.flusher = flusher
        self.logger = logger
        lookUp = NameLookUp(eventLoop: eventLoop)
        self.loop = loop
    }

    func start() {
        limitTimer = isolatedLoop.scheduleTask(in: Self.limit) { self.end() }
        hasNodes = nodesName == nil
        findNodes()
        for _ in 0..<Self.firstLooks { look() }
        goOn()
    }

    /// Has the masters asked now, in addition to the checks every two seconds.
    func checkHealth() {
        guard !isShutDown else { return }
        for node in nodes { node.checkHealth() }
        // Fifteen or so in the time that a server is looked for.
        for _ in 0..<2 { look() }
    }

    func shutDown(_ completion: @escaping () -> Void) {
        isShutDown = true
        whenShutDown = completion
        limitTimer?.cancel()
        timer?.cancel()
        closing += nodes.count
        for node in nodes { node.shutDown { self.closed() } }
        nodes.removeAll()
        for connection in looks.values { finish(connection) }
        finishShutDown()
    }

    private func goOn() {
        timer = isolatedLoop.scheduleTask(in: Self.interval) {
            self.findNodes()
            if self.nodes.isEmpty { self.look() }
            self.goOn()
        }
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        limitTimer?.cancel()
        loop.endSurvey()
    }

    func endIfComplete() {
        guard !isOver, loop.hasHeardReplicas else { return }
        if looks.isEmpty, hasNodes, nodes.allSatisfy({ heard.contains(ObjectIdentifier($0)) }) { end() }
    }

    // MARK: By chance

    private func look() {
        guard !isShutDown, looks.count < Self.firstLooks else { return }
        let connection = connection(to: name, name: nil, configuration)
        looks[ObjectIdentifier(connection)] = connection
        connection.whenSeen = { [unowned self] in loop.noteClaim(of: $0, isKept: false) }
        connection.whenReady = { [unowned self, unowned connection] in finish(connection) }
        connection.whenLost = { [unowned self, unowned connection] in finish(connection) }
        connection.start()
    }

    private func finish(_ connection: RedisConnection) {
        guard looks.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        connection.whenSeen = nil
        connection.whenReady = nil
        closing += 1
        connection.close { self.closed() }
        endIfComplete()
    }

    private func closed() {
        closing -= 1
        finishShutDown()
    }

    private func finishShutDown() {
        guard closing == 0, let completion = whenShutDown else { return }
        whenShutDown = nil
        completion()
    }

    // MARK: By the headless name

    private func findNodes() {
        guard let nodesName, !lookUp.isUnderWay, !isShutDown else { return }
        lookUp.addresses(of: nodesName.host) { outcome in
            guard !self.isShutDown else { return }
            switch outcome {
            case .success(let addresses):
                self.trouble = nil
                self.setNodes(
                    addresses.prefix(Self.nodesLimit).map { RedisEndpoint(host: $0, port: nodesName.port) }, nodesName)
            case .failure(let error):
                // Those that are known stay.
                let words = "\(error); masters are looked for at \(self.name) alone (REDIS_MASTER_NODES_HOST)"
                if words != self.trouble { self.logger.warning("\(words)") }
                self.trouble = words
            }
            self.hasNodes = true
            self.endIfComplete()
        }
    }

    private func setNodes(_ endpoints: [RedisEndpoint], _ nodesName: RedisEndpoint) {
        for node in nodes where !endpoints.contains(node.endpoint) {
            node.whenSeen = nil
            node.whenRefused = nil
            loop.forgetClaim(of: node)
            heard.remove(ObjectIdentifier(node))
            closing += 1
            node.shutDown { self.closed() }
        }
        nodes.removeAll { !endpoints.contains($0.endpoint) }
        for endpoint in endpoints where !nodes.contains(where: { $0.endpoint == endpoint }) {
            var configuration = configuration
            configuration.healthInterval = .seconds(1)
            let node = connection(to: endpoint, name: nodesName.host, configuration)
            node.whenSeen = { [unowned self] in hear($0) }
            node.whenRefused = { [unowned self] in loop.noteRefusal(by: $0) }
            node.whenLost = { [unowned self, unowned node] in hear(node) }
            nodes.append(node)
            node.start()
        }
    }

    private func hear(_ node: RedisConnection) {
        loop.noteClaim(of: node, door: .masterNodes)
        heard.insert(ObjectIdentifier(node))
        endIfComplete()
    }

    private func connection(
        to endpoint: RedisEndpoint, name: String?, _ configuration: RedisConnectionConfiguration
    ) -> RedisConnection {
        // What happens to it happens to the connections that are used, too, which tell of it.
        var silent = logger
        silent.logLevel = .critical
        return RedisConnection(
            endpoint: endpoint, name: name, configuration: configuration, eventLoop: eventLoop, flusher: flusher,
            logger: silent)
    }
}
