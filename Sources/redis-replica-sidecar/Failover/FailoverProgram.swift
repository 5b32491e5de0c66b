import Failover
import FailoverAgent
import Glibc
import LeaseStore
import Logging
import NIOCore
import RedisClient
import ReplicaAgent
import ReplicaPlanning
import Settings
import Supervision
import Synchronization

/// One node's agent beside its supervisor, on the same event loop.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
final class FailoverProgram {
    private let supervisor: Supervisor
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let store: any LeaseStore
    private let kubernetes: KubernetesSide?
    private let access: ServerAccess
    private let overlap: Duration
    private var agent: FailoverAgent?
    private var secrets: SecretWatch?
    /// Of the server beside it; there once the agent has started.
    private(set) var reports: ServerReports?
    /// The end was asked for before the agent had started.
    private var whenStarted: [() -> Void] = []
    private var hasFailed = false

    /// - Parameters:
    ///   - access: how the servers are reached.
    ///   - overlap: how long an old password is taken beside a new one.
    init(
        _ setup: FailoverSetup, _ access: ServerAccess, overlap: Duration, supervisor: Supervisor, silence: Duration,
        eventLoop: any EventLoop, logger: Logger
    ) throws(LocationError) {
        self.supervisor = supervisor
        self.access = access
        self.overlap = overlap
        self.eventLoop = eventLoop
        self.logger = logger
        let troubles = StoreTroubles()
        store = setup.makeStore(on: eventLoop) { trouble in
            if troubles.isNew("\(trouble)") { logger.warning("the watch of the lease: \(trouble)") }
        }
        kubernetes = setup.makeKubernetesSide(on: eventLoop, logger: logger)
        var configuration = FailoverAgentConfiguration(
            settings: setup.settings, members: setup.members, local: try ServerLocation(access),
            logins: access.peerLogins.map(ServerLocation.Login.init),
            peerTLS: access.peerTLS, positionPath: "\(access.dataFolder)/failover/position", store: store,
            kill: Self.killer(of: supervisor, on: eventLoop))
        configuration.minimumReplicas = access.minimumReplicas
        configuration.tickInterval = setup.settings.interval / 5
        configuration.isWatched = Self.watch(of: supervisor, silence: silence, on: eventLoop)
        let kubernetes = kubernetes
        configuration.publish = { await kubernetes?.publish(term: $0) }
        configuration.tell = { event in
            if case .storeFailed(let reason) = event, !troubles.isNew(reason) { return }
            if event.isTrouble { logger.warning("\(event)") } else { logger.notice("\(event)") }
            kubernetes?.see(event)
        }
        supervisor.handOver = { self.handOver($0) }
        start(configuration, folder: "\(access.dataFolder)/failover")
    }

    private static func killer(
        of supervisor: Supervisor, on eventLoop: any EventLoop
    ) -> @Sendable () async -> Void {
        let bound = NIOLoopBound(supervisor, eventLoop: eventLoop)
        return {
            let promise = eventLoop.makePromise(of: Void.self)
            eventLoop.execute {
                guard let server = bound.value.server else { return promise.succeed() }
                server.whenEnded { promise.succeed() }
                server.kill()
            }
            try? await promise.futureResult.get()
        }
    }

    private func start(_ configuration: FailoverAgentConfiguration, folder: String) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        Task {
            let agent = try? await FailoverAgent.start(configuration, on: eventLoop)
            eventLoop.execute { bound.value.started(agent) }
        }
    }

    /// After which nothing of a start is left to do.
    private static let startTime = TimeAmount.seconds(15)

    private func started(_ agent: FailoverAgent?) {
        self.agent = agent
        if let agent {
            let logger = logger
            kubernetes?.endConnections = {
                do {
                    try await agent.endClientConnections()
                } catch {
                    logger.warning(
                        "the connections of clients, which should reach the new leader, were not ended: \(error)")
                }
            }
        }
        if let agent { watchSecrets(for: agent) }
        eventLoop.scheduleTask(in: Self.startTime) { ProgramText.giveBack() }
        let waiting = whenStarted
        whenStarted = []
        for waiter in waiting { waiter() }
    }

    /// Passwords and TLS files that change reach the server, and the agent, without a restart.
    private func watchSecrets(for agent: FailoverAgent) {
        let logger = logger
        let secrets = SecretWatch(
            access, overlap: overlap, eventLoop: eventLoop, logger: logger,
            surroundings: SecretWatch.Surroundings(
                servingRun: { agent.servingRun },
                othersTake: { agent.othersTake(ServerLocation.Login($0), $1) },
                accessChanged: { access in
                    do throws(LocationError) {
                        agent.use(
                            try ServerLocation(access), logins: access.peerLogins.map(ServerLocation.Login.init),
                            peerTLS: access.peerTLS)
                    } catch {
                        logger.warning("the new settings of redis-server are not used: \(error)")
                    }
                }))
        secrets.start()
        self.secrets = secrets
        reports = ServerReports(secrets.local)
    }

    /// - Parameter completion: called once, when the agent has started.
    func whenStarted(_ completion: @escaping (FailoverAgent) -> Void) {
        if let agent { return completion(agent) }
        whenStarted.append { if let agent = self.agent { completion(agent) } }
    }

    // MARK: The dead-man process

    /// A leader without a dead-man process has to give up its place before others could be wrong about it.
    private static func watch(
        of supervisor: Supervisor, silence: Duration, on eventLoop: any EventLoop
    ) -> @Sendable () -> Bool {
        let bound = NIOLoopBound(supervisor, eventLoop: eventLoop)
        return { bound.value.unwatchedSince.map { BootTime.now - $0 < silence } ?? true }
    }

    // MARK: The end

    /// Hands the lease over where another node can lead, gives it back where not, and writes the exact position.
    private func handOver(_ completion: @escaping () -> Void) {
        guard let agent else {
            whenStarted.append { self.handOver(completion) }
            return
        }
        let bound = NIOLoopBound(completion, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let logger = logger
        let kubernetes = kubernetes
        secrets?.stop()
        Task {
            if let status = try? await agent.status(), case .leading = status.state {
                switch try? await agent.handOver(to: nil) {
                case .success(let name)?:
                    logger.notice("handed over to \(name)")
                    // Clients whose connection ends now have to reach the new leader.
                    await kubernetes?.waitForSuccessor(within: .seconds(3))
                case .failure(let reason)?: logger.warning("the lease is given back without a successor: \(reason)")
                case nil: break
                }
            }
            try? await agent.stop()
            await kubernetes?.shutDown()
            eventLoop.execute { bound.value() }
        }
    }
}

/// What the store cannot do, once: reads and the watch fail for one reason.
private final class StoreTroubles: Sendable {
    private let last = Mutex("")

    func isNew(_ reason: String) -> Bool {
        last.withLock { last in
            defer { last = reason }
            return last != reason
        }
    }
}

/// The server beside the agent cannot be reached.
struct LocationError: Error, CustomStringConvertible {
    let description: String
}

extension ServerLocation.Login {
    fileprivate init(_ login: ServerAccess.Login) { self.init(user: login.user, password: login.password) }
}

extension ServerLocation {
    /// The server beside this process: by its Unix socket, where it has one.
    init(_ access: ServerAccess) throws(LocationError) {
        guard let endpoint = access.endpoints.first else {
            throw LocationError(
                description: "redis-server listens nowhere: give it a port or a unixsocket in its configuration")
        }
        let logins = access.logins.map(Login.init)
        switch endpoint {
        case .socket(let path): self.init(.unixSocket(String(decoding: path, as: UTF8.self)), logins: logins)
        case .tcp(let host, let port):
            self.init(.host(String(decoding: host, as: UTF8.self), port: port), logins: logins)
        case .tls(let host, let port):
            guard let tls = access.tls else {
                throw LocationError(
                    description:
                        "redis-server speaks TLS alone, and no tls-ca-cert-file (REDIS_TLS_CA_FILE) says whom to trust")
            }
            self.init(.host(String(decoding: host, as: UTF8.self), port: port), logins: logins, tls: tls)
        }
    }
}
