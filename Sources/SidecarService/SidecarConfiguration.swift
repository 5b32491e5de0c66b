public import ReplicaInit
public import ReplicaSidecar

/// All that a start is given.
public struct SidecarConfiguration: Sendable {
    /// Reads environment, files and secrets anew.
    public typealias TargetReader = @Sendable () throws(PlanError) -> SidecarTarget

    public var keeper: ReplicaKeeper.Settings
    public var readiness: ReadinessBounds
    public var readTarget: TargetReader
    /// Asked in place of what the environment makes of the local server; `nil`: that.
    public var server: ProbeTarget.Endpoint?
    /// How long an old password is accepted beside a new one.
    public var passwordOverlap: Duration = .seconds(300)

    public init(
        keeper: ReplicaKeeper.Settings, readiness: ReadinessBounds, readTarget: @escaping TargetReader,
        server: ProbeTarget.Endpoint? = nil
    ) {
        self.keeper = keeper
        self.readiness = readiness
        self.readTarget = readTarget
        self.server = server
    }
}
