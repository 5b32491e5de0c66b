import ReplicaPlanning

/// What environment and files say about the server and its master: evaluated again when one of the files changes.
///
/// Not thread-safe, and not `Sendable`.
final class TargetSource {
    private let arguments: [[UInt8]]
    private let environment: Environment
    private let identity: Identity
    private let files = WatchedFiles()

    /// - Parameter arguments: those of redis-replica-init.
    init(_ environment: Environment, _ identity: Identity, arguments: [[UInt8]] = []) {
        self.arguments = arguments
        self.environment = environment
        self.identity = identity
    }

    /// Whether ``read()`` may say something else than the last time, a refusal included.
    var hasChanged: Bool { files.haveChanged }

    /// - Throws: where it cannot be told who the master is, or a secret cannot be read.
    func read() throws(PlanError) -> SidecarTarget {
        files.begin()
        return try SidecarTarget(
            arguments: arguments, environment: environment, identity: identity, files: files)
    }
}
