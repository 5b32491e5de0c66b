import ReplicaInit

/// What environment and files say of the server and its master: decided anew where one of the files is another.
///
/// Not thread-safe, and not `Sendable`.
final class TargetSource {
    private let environment: Environment
    private let identity: Identity
    private let files = WatchedFiles()

    init(_ environment: Environment, _ identity: Identity) {
        self.environment = environment
        self.identity = identity
    }

    /// Whether ``read()`` may say something else than the last time, a refusal included.
    var hasChanged: Bool { files.haveChanged }

    /// - Throws: where it cannot be told who the master is, or a secret cannot be read.
    func read() throws(PlanError) -> SidecarTarget {
        files.begin()
        return try SidecarTarget(environment: environment, identity: identity, files: files)
    }
}
