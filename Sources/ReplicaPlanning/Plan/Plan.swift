public import RedisConf

/// What this server is to be, from `REDIS_REPLICATION_MODE`.
public enum Role: String, Sendable {
    /// Also spelled `slave`; the default.
    case replica
    case master
    /// A server that neither follows nor announces itself to anyone.
    case standalone
}

/// One directive that was decided on, and why.
public struct Decision: Equatable, Sendable {
    public enum Action: Equatable, Sendable {
        /// The file says so already.
        case kept
        case replaced
        case appended
        case removed
    }

    public var directive: DirectiveName
    public var arguments: [[UInt8]]
    public var origin: Origin
    public var action: Action
}

extension Decision: CustomStringConvertible {
    /// `bind * -::* (default)`; a secret is never shown.
    public var description: String {
        let arguments = directive.isSecret ? ["********"] : arguments.map(shown)
        let line = ([directive.text] + arguments).joined(separator: " ")
        return action == .removed ? "\(directive.text) removed (\(origin))" : "\(line) (\(origin))"
    }
}

/// Where the finished configuration may be written, the best place first.
public enum Place: Equatable, Sendable {
    case file([UInt8])
    /// A file in a folder that is made if it is missing.
    case folder([UInt8], name: [UInt8])
    /// A file in a fresh private folder, whose name begins so.
    case freshFolder(prefix: [UInt8], name: [UInt8])
}

/// Whom the server runs as.
public enum Privileges: Equatable, Sendable {
    /// As the current user.
    case keep
    case drop(to: Account)
}

/// Everything that will be done, as a value: it can be compared, printed, and performed.
public struct Plan: Equatable, Sendable {
    public var role: Role
    /// The configuration that was read; nil if the server starts from nothing.
    public var source: [UInt8]?
    /// Its bytes as they were read.
    public var original: [UInt8]
    /// The bytes redis-server shall read.
    public var configuration: [UInt8]
    /// Whether they contain a password: then no other user may read the file.
    public var holdsSecret: Bool
    public var places: [Place]
    /// Programs to look for on the PATH, the likelier first.
    public var servers: [String]
    /// redis-server's arguments behind the configuration's path.
    public var serverArguments: [[UInt8]]
    /// The folder data is written to.
    public var dataFolder: [UInt8]
    /// What of it is redis-server's.
    public var ownedFiles: OwnedFiles
    public var privileges: Privileges
    /// Whether the data folder's files are given to the user that is switched to.
    public var fixesOwnership: Bool
    /// Further files redis-server opens: included ones, certificates, the ACL file.
    public var filesToRead: [[UInt8]]
    /// What redis-server will load from it.
    public var data: DataSettings
    /// The servers that a master asks before it starts; nil where none is asked.
    public var startupGuard: GuardSettings?
    /// Whom Sentinel is asked for before that; nil where it is not followed, or was asked already.
    package var sentinel: SentinelQuestion?
    /// In the order they were made.
    public var decisions: [Decision]
    /// Notes and warnings; errors leave no plan.
    public var diagnostics: [Diagnostic]
}
