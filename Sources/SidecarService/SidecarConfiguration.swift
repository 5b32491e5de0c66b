public import ReplicaInit
public import ReplicaSidecar

/// All that a start is given.
public struct SidecarConfiguration: Sendable {
    public var keeper: ReplicaKeeper.Settings
    public var readiness: ReadinessBounds
    /// What redis-replica-init would start the server with; the files that it names are read again when they change.
    public var environment: Environment
    public var identity: Identity
    /// Asked in place of what the environment makes of the local server; `nil`: that.
    public var server: ProbeTarget.Endpoint?
    /// How long an old password is accepted beside a new one.
    public var passwordOverlap: Duration = .seconds(300)

    public init(
        keeper: ReplicaKeeper.Settings, readiness: ReadinessBounds, environment: Environment, identity: Identity,
        server: ProbeTarget.Endpoint? = nil
    ) {
        self.keeper = keeper
        self.readiness = readiness
        self.environment = environment
        self.identity = identity
        self.server = server
    }
}
