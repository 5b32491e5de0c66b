public import ReplicaPlanning
public import ReplicaReconciler

/// All that a start is given.
public struct SidecarConfiguration: Sendable {
    public var reconciler: Reconciler.Settings
    public var readiness: ReadinessBounds
    /// What redis-replica-init would start the server with; the files that it names are read again when they change.
    public var environment: Environment
    public var identity: Identity
    /// Asked in place of what the environment makes of the local server; `nil`: that.
    public var server: ProbeTarget.Endpoint?
    /// Who decides in place of the environment; `nil`: the environment decides.
    public var sentinel: SentinelAccess?
    /// How long an old password is accepted beside a new one.
    public var passwordOverlap: Duration = .seconds(300)
    /// The token that a confirmation over TCP needs, and that addresses are shown for; `nil`: no confirmation is accepted,
    /// and every client sees them.
    public var token: SidecarToken?
    /// Further names by which clients may call a sidecar that listens on loopback without a token; `nil` for every name.
    public var moreHosts: [String]? = []

    public init(
        reconciler: Reconciler.Settings, readiness: ReadinessBounds, environment: Environment, identity: Identity,
        server: ProbeTarget.Endpoint? = nil
    ) {
        self.reconciler = reconciler
        self.readiness = readiness
        self.environment = environment
        self.identity = identity
        self.server = server
    }
}
