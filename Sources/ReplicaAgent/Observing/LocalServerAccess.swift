package import RedisClient
package import ReplicaPlanning

/// Where the server beside this process is asked, and how it is logged in to: for programs that ask once.
package struct LocalServerAccess: Sendable {
    package let endpoints: [ProbeTarget.Endpoint]
    /// The newest first.
    package let credentials: [(user: [UInt8]?, password: [UInt8])]
    package let tls: RedisTLS?

    /// Reads what a start of the sidecar reads.
    ///
    /// - Throws: ``PlanError``, ``ServerTLSError``.
    package init(_ configuration: SidecarConfiguration) throws {
        let found = try SecretFiles(configuration.environment, configuration.identity).readFirst()
        endpoints = configuration.server.map { [$0] } ?? found.target.local.endpoints
        credentials = Sidecar.firstCredentials(of: found.target)
        tls = found.tls.local
    }
}
