import RedisCore

/// Whether full copies from the master fail again and again, as a value: its input is observations of the replica.
///
/// ```
/// idle ─a copy begins─▶ copying ─the link is up─▶ idle
///  ▲                      │  ▲
///  │                      ▼  │
///  └──the link is up─── failed
/// ```
/// A copy that fails is tried again at once, up to ten times a second, so observing once a second finds most of them under
/// way. A copy that stops before the link is up has failed; so has one whose count of bytes goes back.
///
/// Valkey 9.1 always looks under way, with the byte count of a complete copy: there the count of all bytes that the server
/// ever got by replication shows that a whole copy came again.
///
/// A copy that fails before its first byte looks like one that is waited for. Only the sync source shows the difference
/// (``SyncSourceAttempts``).
///
/// Redis 6.0 tries again once a second. A copy that fails at once may then be over before each observation, which finds the
/// replica between two attempts. If its source counts requests for copies meanwhile, more frequent observations find the
/// attempts.
public struct CopyWatch: Equatable, Sendable {
    /// What an operator should know.
    public struct Failure: Equatable, Sendable {
        /// How many failed attempts were seen. There may have been more of them.
        public var attempts: Int
        /// Whether nothing is left of the data.
        package var hasEmptied: Bool
        package var replicaVersion: String
        /// The version of the master that was seen; `nil` where none was.
        package var masterVersion: String?
        public var cause = Cause.unknown

        public init(
            attempts: Int, hasEmptied: Bool, replicaVersion: String, masterVersion: String?, cause: Cause = .unknown
        ) {
            self.attempts = attempts
            self.hasEmptied = hasEmptied
            self.replicaVersion = replicaVersion
            self.masterVersion = masterVersion
            self.cause = cause
        }
    }

    /// Why copies fail, as far as the master says it.
    public enum Cause: Equatable, Sendable {
        /// So many of its keys are hashes whose fields expire, which no copy for this replica's version can hold.
        case expiringFields(keys: Int64)
        /// Its last save failed (`rdb_last_bgsave_status:err`).
        case saveFails
        /// It ends copies before their first byte, and does not say why.
        case beforeFirstByte
        case unknown
    }

    private enum Phase: Equatable, Sendable { case idle, copying, failed }

    /// How long a copy may have failed and no other one have begun before that is an alarm.
    static let patience: Duration = .seconds(10)
    /// As many failures are an alarm at once.
    static let attempts = 2
    /// With a second connection for the copy, the stream itself grows meanwhile, too; not for so long while the copy stands.
    static let repetitions = 4

    private var phase = Phase.idle
    private var runID = ""
    private var copiedBytes: Int64?
    private var receivedBytes: Int64?
    /// How often a whole copy came again while its count stood still.
    private var repetitions = 0
    private var failures = 0
    private var failedAt: Duration?
    private var hasStalled = false
    private var source = SyncSourceAttempts()
    /// When the source was first seen to have failed.
    private var sourceFailedAt: Duration?
    private var hasReceivedBytes = false
    /// What the source counted while this replica was found between two attempts, and when that last rose.
    private var suspicion = SyncSourceAttempts()
    private var suspectedAt: Duration?
    /// Whether the replica waits for its source, or copies, as it was last seen.
    private(set) var isWaiting = false
    /// Whether it is to connect to its source, as it was last seen, and no copy was seen to fail.
    private(set) var isBetweenAttempts = false
    /// Whether the copies are an alarm; until the link is up.
    public private(set) var isAlarm = false

    public init() {}

    /// How many failed attempts were seen since the link was last up.
    package var failedAttempts: Int { max(failures, source.failures) }

    /// Whether copies were seen to fail, and none of them brought a byte.
    var failsBeforeFirstByte: Bool { source.failures > 0 && !hasReceivedBytes }

    /// Whether observing once a second could miss attempts.
    public var wantsCloserLooks: Bool { !isAlarm && (failures > 0 || hasStalled || suspectedAt != nil) }

    /// The local server was looked at.
    public mutating func see(_ local: ServerInformation, at now: Duration) {
        guard let link = local.replication.masterLink, !link.isUp, local.runID == runID || phase == .idle else {
            self = CopyWatch()
            runID = local.runID
            return
        }
        if runID != local.runID { (source, sourceFailedAt) = (SyncSourceAttempts(), nil) }
        runID = local.runID
        if let time = suspectedAt, now - time >= Self.patience { suspectedAt = nil }
        // What a start loads is no copy; what a copy brought is loaded at its end.
        let isCopying =
            link.isSynchronising || local.linkState == "sync" || (local.isLoading && phase == .copying)
        if isCopying {
            let bytes = local.copiedBytes
            if let bytes, bytes > 0 { hasReceivedBytes = true }
            if let before = copiedBytes, let bytes, bytes > before { source.noteProgress() }
            if phase == .copying, let before = copiedBytes, let bytes, bytes < before { fail(at: now) }
            noteRepetition(of: bytes, received: local.receivedBytes, isLoading: local.isLoading, at: now)
            hasStalled = phase == .copying && bytes == copiedBytes && !local.isLoading
            copiedBytes = bytes
            phase = .copying
        } else if phase == .copying || (phase == .idle && link.hasBeenUp && local.replication.isCopyIncomplete) {
            fail(at: now)
            hasStalled = false
            copiedBytes = nil
            phase = .failed
        }
        // Between two attempts it waits for the next one.
        isWaiting = !local.isLoading && (local.linkState != "connect" || phase == .failed)
        isBetweenAttempts = !local.isLoading && !isWaiting
        let isLate = failedAt.map { now - $0 >= Self.patience } ?? false
        if failures >= Self.attempts || (isLate && !isCopying && local.replication.isCopyIncomplete) { isAlarm = true }
    }

    /// The server that the replica follows was looked at, while the link is down.
    public mutating func see(source information: ServerInformation, at now: Duration) {
        if isBetweenAttempts {
            let before = suspicion.failures
            suspicion.see(information)
            if suspicion.failures > before { suspectedAt = now }
        }
        guard isWaiting else { return }
        source.see(information)
        guard source.failures > 0 else {
            sourceFailedAt = nil
            return
        }
        if sourceFailedAt == nil { sourceFailedAt = now }
        let isLate = sourceFailedAt.map { now - $0 >= Self.patience } ?? false
        if isLate, source.failures >= Self.attempts { isAlarm = true }
    }

    private mutating func noteRepetition(of bytes: Int64?, received: Int64?, isLoading: Bool, at now: Duration) {
        defer { receivedBytes = received }
        guard phase == .copying, !isLoading, let bytes, bytes > 0, bytes == copiedBytes else {
            repetitions = 0
            return
        }
        guard let received, let before = receivedBytes, received >= before,
            received.subtractingReportingOverflow(before).partialValue >= bytes
        else { return }
        repetitions += 1
        if repetitions >= Self.repetitions { fail(at: now) }
    }

    private mutating func fail(at now: Duration) {
        // Ten a second for a year fit.
        failures = failures == .max ? failures : failures + 1
        if failedAt == nil { failedAt = now }
    }
}

extension CopyWatch.Failure: CustomStringConvertible {
    public var description: String {
        let state = hasEmptied ? "; this replica holds no data any more, and is not ready" : ""
        return "full copies from the master fail, \(attempts) were seen\(state); \(reason)"
    }

    private var ours: String { replicaVersion.isEmpty ? "an unknown version" : "version \(replicaVersion)" }

    private var theirs: String { masterVersion.map { ", version \($0)," } ?? "" }

    /// Why, and the cure.
    private var reason: String {
        switch cause {
        case .expiringFields(let keys):
            """
            the master\(theirs) has \(keys) keys with hash fields that expire, which a copy for this server, \(ours), \
            cannot hold: its log says "Can't store key". Upgrade this server to the master's version, or remove these \
            times to live on the master (HPERSIST)
            """
        case .saveFails:
            """
            the master\(theirs) cannot save its data for them (rdb_last_bgsave_status:err): see its log, and give it room \
            on its disk, memory for the process that saves, and the right to write in its folder
            """
        case .beforeFirstByte:
            """
            the master\(theirs) ends each before its first byte: its log says why. Its process that saves is killed, lacks \
            memory, or cannot write the data for this server, \(ours): give it memory, and upgrade replicas before the master
            """
        case .unknown: versions
        }
    }

    private var versions: String {
        switch masterVersion {
        case replicaVersion?: "see the log of this server and of its master, both of version \(replicaVersion)"
        case let theirs?:
            """
            this server is of \(ours), its master of version \(theirs): a server cannot load the copy of a newer one. \
            Upgrade replicas before the master
            """
        case nil:
            """
            see the log of this server, \(ours), and of its master: a server cannot load the copy of a newer one. Upgrade \
            replicas before the master
            """
        }
    }
}
