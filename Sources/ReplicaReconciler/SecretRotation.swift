/// Exchanges the secrets of a server that runs, as a value: what environment, server and master say go in, with the time; the
/// steps that are due come out, until each of them is ``done(_:at:)``.
///
/// The password that the server asks for:
/// ```
/// settled ─another one is given─▶ adding ─added─▶ both ─`overlap` is over─▶ dropping ─dropped─▶ settled
/// ```
/// In `both` either password is taken, since not all pods see a changed Secret at the same time.
///
/// The password that the replica shows its master:
/// ```
/// settled ─another one is given─▶ waiting ─the master takes it, or nothing is heard of it for long─▶ showing ─shown─▶ settled
/// ```
/// In `waiting` the old one is still shown: a replica that showed one which its master does not know yet could not connect
/// again until it does. A master that refuses the new one is waited for without end.
///
/// Times are those of any clock that never goes back, the same one in every call.
public struct SecretRotation: Sendable {
    /// What the environment gives; `nil`: nothing, and then nothing of it is exchanged.
    public struct Given: Equatable, Sendable {
        public var password: [UInt8]?
        public var masterUser: [UInt8]?
        public var masterPassword: [UInt8]?

        public init(password: [UInt8]? = nil, masterUser: [UInt8]? = nil, masterPassword: [UInt8]? = nil) {
            self.password = password
            self.masterUser = masterUser
            self.masterPassword = masterPassword
        }
    }

    /// What a server has, by CONFIG GET.
    public struct Present: Equatable, Sendable {
        /// `requirepass`; empty: none.
        public var password: [UInt8]
        public var masterUser: [UInt8]
        public var masterPassword: [UInt8]
        /// Whether an `aclfile` says who may log in.
        public var hasUserFile: Bool

        public init(
            password: [UInt8] = [], masterUser: [UInt8] = [], masterPassword: [UInt8] = [], hasUserFile: Bool = false
        ) {
            self.password = password
            self.masterUser = masterUser
            self.masterPassword = masterPassword
            self.hasUserFile = hasUserFile
        }
    }

    public enum Step: Hashable, Sendable {
        /// The new password is taken beside the old one.
        case add([UInt8])
        /// No other password is taken any more.
        case takeOnly([UInt8])
        /// The replica shows its master these when it connects the next time.
        case show(user: [UInt8]?, password: [UInt8])
        /// The server reads its TLS files again.
        case readTLSFiles
    }

    /// Whom the server takes its password from.
    public enum Owner: Equatable, Sendable {
        /// It was not asked yet.
        case unknown
        case environment
        /// None: the server needs no password.
        case nobody
        case userFile
    }

    private enum Own: Equatable, Sendable {
        case settled
        case adding([UInt8])
        case both([UInt8], until: Duration)
        case dropping([UInt8])
    }

    private enum Shown: Equatable, Sendable {
        case settled
        case waiting(since: Duration, isRefused: Bool)
        case showing
    }

    /// The shortest time that a new password waits for the master to accept it: several observations. Who calls
    /// ``steps(at:)`` less often than this stood still.
    static let leastPatience: Duration = .seconds(10)

    /// How long an old password is taken beside a new one, and how long a new one waits for the master to accept it.
    public let overlap: Duration
    /// Whether the master is observed, so that it can be seen to accept a password.
    public let seesMaster: Bool
    public private(set) var given: Given
    public private(set) var owner = Owner.unknown
    private var own = Own.settled
    private var shown = Shown.settled
    private var hasOtherTLSFiles = false
    private var steppedAt: Duration?

    /// - Parameter given: what a server that is started now would have.
    public init(_ given: Given, overlap: Duration, seesMaster: Bool) {
        self.given = given
        self.overlap = overlap
        self.seesMaster = seesMaster
    }

    /// Environment and files were read again.
    public mutating func give(_ given: Given, at now: Duration) {
        let before = self.given
        self.given = given
        if given.password != before.password { exchangePassword() }
        if given.masterUser != before.masterUser || given.masterPassword != before.masterPassword {
            exchangeMasterPassword(at: now)
        }
    }

    /// The TLS files are others.
    public mutating func giveTLSFiles() { hasOtherTLSFiles = true }

    /// The first observation of this run of the server: the secrets may have changed while it was not observed.
    public mutating func see(_ server: Present, at now: Duration) {
        owner = server.hasUserFile ? .userFile : server.password.isEmpty ? .nobody : .environment
        own = .settled
        shown = .settled
        if server.password != given.password { exchangePassword() }
        if let password = given.masterPassword,
            password != server.masterPassword || given.masterUser.map({ $0 != server.masterUser }) ?? false
        {
            exchangeMasterPassword(at: now)
        }
    }

    /// A log-in at the master with this password, and whether it worked.
    public mutating func seeMaster(takes: Bool, _ password: [UInt8]) {
        guard case .waiting(let since, _) = shown, password == given.masterPassword else { return }
        shown = takes ? .showing : .waiting(since: since, isRefused: true)
    }

    /// Whether the master has refused the password for longer than its own exchange should take.
    public func isMasterLate(at now: Duration) -> Bool {
        if case .waiting(let since, isRefused: true) = shown { now >= since + patience } else { false }
    }

    /// What is to be done now; the same again until it is done.
    public mutating func steps(at now: Duration) -> [Step] {
        // A process that stood still heard nothing because it did not listen.
        if let steppedAt, case .waiting(let since, let isRefused) = shown {
            let gap = now - max(since, steppedAt)
            if gap > Self.leastPatience { shown = .waiting(since: since + gap, isRefused: isRefused) }
        }
        steppedAt = now
        if case .both(let password, let end) = own, now >= end { own = .dropping(password) }
        if case .waiting(let since, isRefused: false) = shown, now >= since + patience { shown = .showing }
        var steps: [Step] = []
        switch own {
        case .settled, .both: break
        case .adding(let password): steps.append(.add(password))
        case .dropping(let password): steps.append(.takeOnly(password))
        }
        if shown == .showing, let password = given.masterPassword {
            steps.append(.show(user: given.masterUser, password: password))
        }
        if hasOtherTLSFiles { steps.append(.readTLSFiles) }
        return steps
    }

    /// A step was carried out. One that something else was given for meanwhile is not the one that is due.
    public mutating func done(_ step: Step, at now: Duration) {
        switch step {
        case .add(let password): if own == .adding(password) { own = .both(password, until: now + overlap) }
        case .takeOnly(let password): if own == .dropping(password) { own = .settled }
        case .show(let user, let password):
            if shown == .showing, user == given.masterUser, password == given.masterPassword { shown = .settled }
        case .readTLSFiles: hasOtherTLSFiles = false
        }
    }

    /// Whether the server may still have another password than the one that is given.
    public var isExchangingPassword: Bool { own != .settled || owner == .unknown }

    /// Whether the replica still shows its master another password than the one that is given.
    public var isExchangingMasterPassword: Bool { shown != .settled || owner == .unknown }

    private var patience: Duration { max(overlap, Self.leastPatience) }

    private mutating func exchangePassword() {
        // A server without its own password stays open, and one with a file of users uses that.
        guard let password = given.password, owner == .environment || owner == .unknown else { return }
        own = .adding(password)
    }

    private mutating func exchangeMasterPassword(at now: Duration) {
        guard given.masterPassword != nil else { return }
        shown = seesMaster ? .waiting(since: now, isRefused: false) : .showing
    }
}

extension SecretRotation.Step: CustomStringConvertible {
    /// For people; never a secret.
    public var description: String {
        switch self {
        case .add: "take the new password beside the old one (ACL SETUSER default)"
        case .takeOnly: "take the old password no longer (CONFIG SET requirepass)"
        case .show: "show the master the new password (CONFIG SET masterauth)"
        case .readTLSFiles: "read the TLS files again (CONFIG SET tls-cert-file)"
        }
    }
}
