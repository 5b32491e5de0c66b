import Glibc
public import Logging
public import NIOCore
import NIOPosix
import RedisClient
import RedisCore
import ReplicaPlanning
import ReplicaReconciler

/// Watches a server and its master, has a ``Reconciler`` decide, and does what it says.
///
/// Everything happens on one event loop; not thread-safe, and not `Sendable`.
public final class Sidecar {
    /// The interval between two observations.
    static let interval: TimeAmount = .seconds(1)
    /// The same while something is about to be decided.
    static let alertInterval: TimeAmount = .milliseconds(250)
    /// The interval between two reads of the secret files; longer than the server may take for an answer.
    static let secretsInterval: TimeAmount = .seconds(2)

    let configuration: SidecarConfiguration
    let eventLoop: any EventLoop
    let isolatedLoop: NIOIsolatedEventLoop
    let logger: Logger
    let local: LocalServer
    private let records: RecordWriter
    let files: SecretFiles
    /// Reads ``files``, and what the kernel says about this process: two threads, so that neither waits for the other.
    private let secretFiles: FileWork
    let processFiles: FileWork
    let serverReports: ServerReports
    var isMakingMetrics = false
    /// Those who get the next text of `/metrics`; no more than there are connections.
    var waitingForMetrics: [(ByteBuffer) -> Void] = []
    let secrets: SecretRotator
    var target: SidecarTarget { secrets.target }
    var reconciler: Reconciler
    /// Where the master's stream was; what a lag is measured by.
    var masterOffsets = MasterOffsetHistory()
    var counters = SidecarCounters()
    let master: MasterWatch
    private var localTimer: Scheduled<Void>?
    private var masterTimer: Scheduled<Void>?
    /// `nil`: Sentinel does not decide.
    let sentinels: SentinelWatch?
    var follower: SentinelFollower
    var sentinelTimer: Scheduled<Void>?
    var isLookingAtNamed = false
    private var isLookingAtFollowed = false
    private var lookedAtFollowed: Duration?
    private var secretsTimer: Scheduled<Void>?
    var isEnding = false
    private var recordTrouble: String?
    private var repetition = EventRepetition()

    /// How long a start waits for the record.
    static let recordPatience: TimeAmount = .seconds(2)
    private var recordTimer: Scheduled<Void>?
    private var isWatching = false

    /// Reads the files first, off the event loop. Must be called on the event loop.
    ///
    /// - Parameter completion: called once, on the event loop: with an error where what the environment names cannot be read
    ///   or used; never where a disk does not answer.
    public static func make(
        _ configuration: SidecarConfiguration, eventLoop: any EventLoop, logger: Logger,
        completion: @escaping (Result<Sidecar, any Error>) -> Void
    ) {
        let files = SecretFiles(configuration.environment, configuration.identity)
        FileWork(eventLoop: eventLoop).perform {
            Result { try files.readFirst() }
        } completion: { result in
            completion(
                result.map { found in
                    Sidecar(configuration, files, found, eventLoop: eventLoop, logger: logger)
                })
        }
    }

    /// Reads what a start reads.
    ///
    /// - Throws: what ``make(_:eventLoop:logger:completion:)`` would give.
    public static func check(_ configuration: SidecarConfiguration) throws {
        _ = try SecretFiles(configuration.environment, configuration.identity).readFirst()
    }

    private init(
        _ configuration: SidecarConfiguration, _ files: SecretFiles, _ found: SecretFiles.First,
        eventLoop: any EventLoop, logger: Logger
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.isolatedLoop = eventLoop.assumeIsolated()
        self.logger = logger
        self.files = files
        secretFiles = FileWork(eventLoop: eventLoop)
        processFiles = FileWork(eventLoop: eventLoop)
        let (target, tls) = (found.target, found.tls)
        var settings = configuration.reconciler
        let access = target.followsSentinel ? configuration.sentinel : nil
        settings.configured = access == nil ? target.master : nil
        follower = SentinelFollower(isDryRun: settings.isDryRun)
        sentinels = access.map {
            SentinelWatch($0, tls: tls.sentinel, eventLoop: eventLoop)
        }
        let recordFile = RecordFile(path: String(decoding: target.recordPath, as: UTF8.self))
        records = RecordWriter(recordFile, eventLoop: eventLoop)
        reconciler = Reconciler(settings, awaitsRecord: true)
        local = LocalServer(
            endpoints: configuration.server.map { [$0] } ?? target.local.endpoints,
            credentials: Self.firstCredentials(of: target), tls: tls.local, eventLoop: eventLoop)
        local.servesStaleData = target.local.servesStaleData
        serverReports = ServerReports(local)
        master = MasterWatch(
            settings.configured, nodes: target.masterNodes, credentials: Self.masterCredentials(of: target),
            tls: tls.master,
            eventLoop: eventLoop)
        secrets = SecretRotator(
            found, local: local, overlap: configuration.passwordOverlap, seesMaster: settings.configured != nil,
            isDryRun: settings.isDryRun, logger: logger)
        secrets.whenAccessChanges = { [master, sentinels, unowned secrets] in
            master.credentials = secrets.masterCredentials
            master.tls = secrets.masterTLS
            sentinels?.tls = secrets.sentinelTLS
        }
    }

    /// Begins to look, once the record is read or its disk has not answered for a while. Must be called on the event loop.
    public func start() {
        for diagnostic in target.diagnostics { logger.warning("\(diagnostic)") }
        var what =
            reconciler.settings.configured.map { "keeping a replica of \($0)" }
            ?? "observing only: no master is configured"
        if let settings = sentinels?.access.settings {
            let list = settings.sentinels.map(\.description).joined(separator: ", ")
            what = "following Sentinel (\(list)): it names the master \(settings.masterName)"
        }
        if sentinels == nil, configuration.sentinel != nil {
            logger.warning(
                "REDIS_SENTINEL_HOST is ignored: Sentinel is followed only with the modes master and replica; set REDIS_REPLICATION_MODE to one of them, or unset it"
            )
        }
        logger.info("\(what)\(reconciler.settings.isDryRun ? " (dry run)" : "")")
        let path = String(decoding: target.recordPath, as: UTF8.self)
        recordTimer = isolatedLoop.scheduleTask(in: Self.recordPatience) {
            self.logger.warning("\(RecordFileError.unread(path))")
            self.watch()
        }
        records.read { result in
            self.recordTimer?.cancel()
            if case .failure(let error) = result { self.logger.warning("\(error)") }
            self.reconciler.take(record: (try? result.get()) ?? nil)
            self.watch()
        }
    }

    private func watch() {
        guard !isWatching, !isEnding else { return }
        isWatching = true
        lookAtLocal()
        // What is compared with the master is seen before it.
        masterTimer = isolatedLoop.scheduleTask(in: Self.alertInterval) { self.lookAtMaster() }
        lookAtSentinels()
        watchSecrets()
    }

    /// Stops looking and closes what is open.
    public func shutDown() {
        isEnding = true
        secrets.isEnding = true
        recordTimer?.cancel()
        localTimer?.cancel()
        masterTimer?.cancel()
        sentinelTimer?.cancel()
        sentinels?.close()
        secretsTimer?.cancel()
        local.close()
    }

    /// The reconciler's time: since the start of this machine, with the time in which it was suspended. It never goes back.
    var now: Duration { BootClock.now() }

    /// Whether an operator should look.
    var isAlarm: Bool { reconciler.state.isAlarm || !reconciler.alarms.isEmpty }

    var readiness: SidecarReadiness { configuration.readiness.verdict(on: reconciler, by: masterOffsets, at: now) }

    /// The operator's confirmation of the change that is blocked.
    ///
    /// - Returns: whether there was anything to confirm.
    func confirm() -> Bool {
        guard let actions = reconciler.confirm(at: now) else { return false }
        perform(actions)
        return true
    }

    // MARK: Looking

    private func lookAtLocal() {
        guard !isEnding else { return }
        let asked = now
        local.look { result in
            guard !self.isEnding else { return }
            switch result {
            case .success(let information):
                self.perform(self.reconciler.see(information, askedAt: asked, at: self.now))
                self.follower.see(information, askedAt: asked)
                self.stepWithSentinel()
                self.lookAtFollowed()
                for name in information.unknownCommands where Self.neededCommands.contains(name) {
                    self.perform(self.reconciler.see(missingCommand: name))
                }
                if information.runID != self.secrets.comparedRunID {
                    if information.mayNotRead {
                        self.logger.warning(
                            """
                            the local server does not let this user run DBSIZE (ACL SETUSER … +dbsize): without its link the \
                            configuration says whether it answers old data, and not the server
                            """)
                    }
                    self.secrets.compare(information.runID) { self.serverReports.maySeeSettings = true }
                    self.askForCommands()
                }
            case .failure(let trouble):
                self.follower.see(nil, askedAt: asked)
                self.perform(self.reconciler.lose(trouble.description, at: self.now))
            }
            // Uneven, for what happens once a second is missed at every even look.
            let close = self.reconciler.isAlert ? Self.alertInterval : .milliseconds(.random(in: 50...200))
            let pace = self.reconciler.wantsCloserLooks ? close : Self.interval
            self.localTimer = self.isolatedLoop.scheduleTask(in: pace) { self.lookAtLocal() }
        }
    }

    private func lookAtMaster() {
        guard master.address != nil, !isEnding else { return }
        let asked = now
        master.look(isUrgent: reconciler.isAlert) { seen in
            guard !self.isEnding else { return }
            if let (observation, serversAskedAt) = seen {
                self.note(observation, askedAt: asked)
                self.perform(self.reconciler.see(observation, askedAt: serversAskedAt, at: self.now))
            }
            self.masterTimer = self.isolatedLoop.scheduleTask(in: self.pace) { self.lookAtMaster() }
        }
    }

    /// Without them a replica is not moved.
    private static let neededCommands = ["ROLE", "REPLICAOF", "CLIENT", "MULTI", "EXEC"]

    /// Asks a server that is met for the first time in its life whether it knows what it will be sent. A user that may not ask
    /// (`COMMAND`) does without.
    private func askForCommands() {
        // Without these a replica is moved all the same, and something smaller is missing.
        let needed = Self.neededCommands
        let names = needed + ["CONFIG", "ACL", "DBSIZE"]
        local.ask([Answers.command("COMMAND", "INFO") + names.map { Array($0.utf8) }]) { result in
            guard !self.isEnding, case .success(let values) = result else { return }
            guard case .array(let known)? = values.first, known.count == names.count else {
                // What an earlier life did not know says nothing of this one.
                return self.perform(self.reconciler.see(missingCommands: []))
            }
            let missing = zip(names, known).filter { $1 == .null }.map(\.0)
            self.perform(self.reconciler.see(missingCommands: missing.filter(needed.contains)))
            let others = missing.filter { !needed.contains($0) }
            guard !others.isEmpty else { return }
            self.logger.warning(
                """
                the local server does not know \(others.joined(separator: ", ")): its configuration renames it (rename-command). \
                Without CONFIG and ACL a new password does not reach the server before its next start; without DBSIZE the \
                configuration says whether it answers old data. A replica is moved to another master all the same
                """)
        }
    }

    /// Where the replica was pointed elsewhere: whether a server is there. Where it waits for a copy: how that goes.
    private func lookAtFollowed() {
        guard let address = reconciler.unprovenMaster ?? reconciler.awaitedSource, !isLookingAtFollowed else { return }
        let isRecent = lookedAtFollowed.map { now - $0 < MasterWatch.interval } ?? false
        guard reconciler.unprovenMaster != nil || !isRecent else { return }
        lookedAtFollowed = now
        isLookingAtFollowed = true
        master.look(atFollowed: address) { seen in
            self.isLookingAtFollowed = false
            guard !self.isEnding else { return }
            // It was asked before this process stood still.
            guard self.now - seen.askedAt <= Reconciler.observationValidity else { return }
            self.perform(self.reconciler.see(seen.standing, at: address, now: self.now))
            if let information = seen.information {
                self.perform(self.reconciler.see(source: information, at: address, now: self.now))
            }
        }
    }

    private var pace: TimeAmount { reconciler.isAlert ? Self.alertInterval : Self.interval }

    /// Remembers where the stream was, where there is one master.
    private func note(_ observation: ObservedMaster, askedAt time: Duration) {
        guard case .found(let candidates) = observation.outcome else { return }
        let masters = candidates.compactMap { candidate in
            if case .master(let information) = candidate.standing { information } else { nil }
        }
        guard let first = masters.first, masters.allSatisfy({ $0.runID == first.runID }),
            let token = ReplicationToken(of: first.replication)
        else { return }
        masterOffsets.record(token, atNanoseconds: time.nanoseconds)
    }

    // MARK: Doing

    func perform(_ actions: [Reconciler.Action]) {
        for action in actions {
            switch action {
            case .tell(let event): tell(event)
            case .record(let record): write(record)
            case .perform(let change, let record):
                let carryOut = {
                    self.perform(change) { failure in self.perform(self.reconciler.performed(failure, at: self.now)) }
                }
                // Before the command, so that a start in between uses it.
                if let record { write(record, carryOut) } else { carryOut() }
            }
        }
    }

    private func tell(_ event: Reconciler.Event) {
        counters.note(event)
        switch repetition.severity(of: event, at: now) {
        case .debug: logger.debug("\(event)")
        case .info: logger.info("\(event)")
        case .warning: logger.warning("\(event)")
        case .error: logger.error("\(event)")
        }
    }

    private func write(_ record: MasterRecord, _ completion: @escaping () -> Void = {}) {
        guard !reconciler.settings.isDryRun else { return completion() }
        records.write(record) { error in
            guard !self.isEnding else { return }
            // Once, not at each start of a server.
            if let error, self.recordTrouble != error.description { self.logger.warning("\(error)") }
            self.recordTrouble = error?.description
            completion()
        }
    }

    // MARK: Secrets

    private func watchSecrets() {
        secretsTimer = isolatedLoop.scheduleTask(in: Self.secretsInterval) {
            let (files, target) = (self.files, self.target)
            self.secretFiles.perform {
                files.look(target)
            } completion: { findings in
                guard !self.isEnding else { return }
                self.secrets.take(findings)
                if let takes = self.master.takesNewest, let password = self.master.credentials.first?.password {
                    self.secrets.seeMaster(takes: takes, password)
                }
                self.secrets.proceed(self.isServerAway ? nil : self.reconciler.local?.runID)
                self.watchSecrets()
            }
        }
    }

    private var isServerAway: Bool { if case .settled(.serverAway) = reconciler.state { true } else { false } }
}
