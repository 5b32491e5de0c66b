package import RedisClient
package import ReplicaPlanning

/// How a node's own server is reached, and those of the other nodes, which have the same settings: what environment and
/// configuration make of it.
package struct ServerAccess: Sendable {
    package typealias Login = (user: [UInt8]?, password: [UInt8])

    /// Where the server beside this process is asked, the likelier first.
    package var endpoints: [ProbeTarget.Endpoint]
    package var logins: [Login]
    /// `nil` where it speaks no TLS.
    package var tls: RedisTLS?
    /// How the others are logged in to, as a replica logs in to its master.
    package var peerLogins: [Login]
    /// `nil` where the servers speak no TLS among each other.
    package var peerTLS: RedisTLS?
    /// `dir`: where the server keeps its files.
    package var dataFolder: String
    /// `min-replicas-to-write` and `min-replicas-max-lag`.
    package var minimumReplicas: (count: Int, lagSeconds: Int)
    /// What is worth telling.
    package var diagnostics: [Diagnostic]

    /// What all this was read from, and is read from again.
    let files: SecretFiles
    let found: SecretFiles.First

    /// - Parameter arguments: those of redis-replica-init.
    /// - Throws: ``PlanError`` or ``ServerTLSError``: what cannot be used, and the cure.
    package init(arguments: [[UInt8]], environment: Environment, identity: Identity) throws {
        files = SecretFiles(environment, identity, arguments: arguments)
        found = try files.readFirst()
        let target = found.target
        endpoints = target.local.endpoints
        logins = Sidecar.firstCredentials(of: target)
        tls = found.tls.local
        peerLogins = Sidecar.masterCredentials(of: target)
        peerTLS = found.tls.master
        dataFolder = String(decoding: target.dataFolder, as: UTF8.self)
        minimumReplicas = target.minimumReplicas
        diagnostics = target.diagnostics
    }
}
