import Glibc
public import Logging
public import NIOCore
import NIOPosix
import RedisClient
import ReplicaInit
import ReplicaSidecar
import Replication

/// Watches a server and its master, has a ``ReplicaKeeper`` decide, and does what it says.
///
/// Everything happens on one event loop; not thread-safe, and not `Sendable`.
public final class Sidecar {
    /// From one look to the next.
    static let interval: TimeAmount = .seconds(1)
    /// The same while something is about to be decided.
    static let alertInterval: TimeAmount = .milliseconds(250)
    /// From one look at the files of secrets to the next; longer than the server may take for an answer.
    static let secretsInterval: TimeAmount = .seconds(2)

    let configuration: SidecarConfiguration
    let eventLoop: any EventLoop
    let isolatedLoop: NIOIsolatedEventLoop
    let logger: Logger
    let local: LocalServer
    let recordFile: RecordFile
    let source: TargetSource
    let tlsFiles = WatchedFiles()
    var target: SidecarTarget
    var keeper: ReplicaKeeper
    var rotation: SecretRotation
    /// Where the master's stream was; what a lag is measured by.
    var masterOffsets = MasterOffsetHistory()
    var counters = SidecarCounters()
    var master: MasterWatch?
    private var localTimer: Scheduled<Void>?
    private var masterTimer: Scheduled<Void>?
    private var secretsTimer: Scheduled<Void>?
    var isEnding = false
    private var recordTrouble: String?
    private var repetition = EventRepetition()
    /// What an operator was last told of each, so that it is told once.
    var rotationTroubles: [RotationTopic: String] = [:]
    /// The life of the local server whose secrets were compared.
    var comparedRunID: String?

    /// Must be called on the event loop.
    ///
    /// - Throws: where what the environment names cannot be read or used.
    public init(_ configuration: SidecarConfiguration, eventLoop: any EventLoop, logger: Logger) throws {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.isolatedLoop = eventLoop.assumeIsolated()
        self.logger = logger
        source = TargetSource(configuration.environment, configuration.identity)
        let target = try source.read()
        self.target = target
        var settings = configuration.keeper
        settings.configured = target.master
        let recordFile = RecordFile(path: String(decoding: target.recordPath, as: UTF8.self))
        self.recordFile = recordFile
        var record: MasterRecord?
        do throws(RecordFileError) { record = try recordFile.read() } catch { logger.warning("\(error)") }
        keeper = ReplicaKeeper(settings, record: record)
        rotation = SecretRotation(
            .init(target), overlap: configuration.passwordOverlap, seesMaster: target.master != nil)
        let tls = try ServerTLS.context(of: target, files: tlsFiles)
        local = LocalServer(
            endpoints: configuration.server.map { [$0] } ?? target.local.endpoints,
            credentials: Self.firstCredentials(of: target), tls: tls, eventLoop: eventLoop)
        if let address = target.master {
            master = MasterWatch(
                address, credentials: Self.masterCredentials(of: target), tls: target.replicatesOverTLS ? tls : nil,
                eventLoop: eventLoop)
        }
    }

    /// Begins to look. Must be called on the event loop.
    public func start() {
        for diagnostic in target.diagnostics { logger.warning("\(diagnostic)") }
        let what = target.master.map { "keeping a replica of \($0)" } ?? "watching only: no master is configured"
        logger.info("\(what)\(keeper.settings.isDryRun ? " (dry run)" : "")")
        lookAtLocal()
        if master != nil { lookAtMaster() }
        watchSecrets()
    }

    /// Stops looking and closes what is open.
    public func shutDown() {
        isEnding = true
        localTimer?.cancel()
        masterTimer?.cancel()
        secretsTimer?.cancel()
        local.close()
    }

    /// Nanoseconds of a clock that never goes back, as the keeper's time.
    var now: Duration { .nanoseconds(Int64(NIODeadline.now().uptimeNanoseconds)) }

    var readiness: SidecarReadiness { configuration.readiness.verdict(on: keeper, by: masterOffsets, at: now) }

    /// The operator's word for what is held back.
    ///
    /// - Returns: whether there was anything to confirm.
    func confirm() -> Bool {
        guard let actions = keeper.confirm(at: now) else { return false }
        perform(actions)
        return true
    }

    // MARK: Looking

    private func lookAtLocal() {
        guard !isEnding else { return }
        local.look { result in
            guard !self.isEnding else { return }
            switch result {
            case .success(let information):
                self.perform(self.keeper.see(information, at: self.now))
                if information.runID != self.comparedRunID { self.compareSecrets(of: information.runID) }
            case .failure(let trouble): self.perform(self.keeper.lose(trouble.description, at: self.now))
            }
            self.localTimer = self.isolatedLoop.scheduleTask(in: self.pace) { self.lookAtLocal() }
        }
    }

    private func lookAtMaster() {
        guard let master, !isEnding else { return }
        let asked = now
        master.look(isUrgent: keeper.isAlert) { sight in
            guard !self.isEnding else { return }
            if let sight {
                self.note(sight, askedAt: asked)
                self.perform(self.keeper.see(sight, at: self.now))
            }
            self.masterTimer = self.isolatedLoop.scheduleTask(in: self.pace) { self.lookAtMaster() }
        }
    }

    private var pace: TimeAmount { keeper.isAlert ? Self.alertInterval : Self.interval }

    /// Remembers where the stream was, where there is one master.
    private func note(_ sight: MasterSight, askedAt time: Duration) {
        guard case .found(let candidates) = sight.outcome else { return }
        let masters = candidates.compactMap { candidate in
            if case .master(let information) = candidate.standing { information } else { nil }
        }
        guard let first = masters.first, masters.allSatisfy({ $0.runID == first.runID }),
            let token = ReplicationToken(of: first.replication)
        else { return }
        masterOffsets.record(token, atNanoseconds: time.nanoseconds)
    }

    // MARK: Doing

    func perform(_ actions: [ReplicaKeeper.Action]) {
        for action in actions {
            switch action {
            case .tell(let event): tell(event)
            case .record(let record): write(record)
            case .perform(let change, let record):
                if let record { write(record) }
                perform(change) { failure in self.perform(self.keeper.performed(failure, at: self.now)) }
            }
        }
    }

    private func tell(_ event: ReplicaKeeper.Event) {
        counters.note(event)
        switch repetition.severity(of: event, at: now) {
        case .debug: logger.debug("\(event)")
        case .info: logger.info("\(event)")
        case .warning: logger.warning("\(event)")
        case .error: logger.error("\(event)")
        }
    }

    private func write(_ record: MasterRecord) {
        guard !keeper.settings.isDryRun else { return }
        do throws(RecordFileError) {
            try recordFile.write(record)
            recordTrouble = nil
        } catch {
            // Once, not at each start of a server.
            if recordTrouble != error.description { logger.warning("\(error)") }
            recordTrouble = error.description
        }
    }

    // MARK: Secrets

    private func watchSecrets() {
        secretsTimer = isolatedLoop.scheduleTask(in: Self.secretsInterval) {
            self.rotateSecrets()
            self.watchSecrets()
        }
    }
}
