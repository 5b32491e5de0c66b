import RedisConf
public import RedisCore

/// What a sidecar has to know of the server beside it: what the same environment and configuration make of it.
///
/// Like a probe's target, it is computed again whenever it is asked for; so a rotated secret results in another
/// target. What would stop a start, and does not concern the sidecar, does not stop it.
public struct SidecarTarget: Equatable, Sendable {
    /// The files that TLS between the servers uses.
    public struct TLSFiles: Equatable, Sendable {
        public var certificate: [UInt8]?
        public var key: [UInt8]?
        /// What the key is encrypted with; a secret, and no path.
        public var keyPassphrase: [UInt8]?
        /// What is shown to the master in place of the first two (`tls-client-cert-file`), as the server does when it replicates.
        public var clientCertificate: [UInt8]?
        public var clientKey: [UInt8]?
        public var clientKeyPassphrase: [UInt8]?
        public var authorities: [UInt8]?
        /// Where each file has an authority.
        public var authoritiesFolder: [UInt8]?

        public init(
            certificate: [UInt8]? = nil, key: [UInt8]? = nil, keyPassphrase: [UInt8]? = nil,
            authorities: [UInt8]? = nil, authoritiesFolder: [UInt8]? = nil
        ) {
            self.certificate = certificate
            self.key = key
            self.keyPassphrase = keyPassphrase
            self.authorities = authorities
            self.authoritiesFolder = authoritiesFolder
        }
    }

    public var role: Role
    /// Where the local server is asked, and as whom.
    public var local: ProbeTarget
    /// The master that environment or file name; the record is ignored. `nil`: none.
    public var master: MasterAddress?
    /// Whether the mode leaves it to Sentinel who the master is, where one is named.
    public var followsSentinel: Bool
    /// What lists all masters there may be, as the Service of the master leads to one of them by chance; empty: nothing does.
    public var masterNodes: [MasterAddress]
    /// What the replica shows its master; `nil`: nothing.
    public var masterUser: [UInt8]?
    public var masterPassword: [UInt8]?
    /// The same as far as the environment gives them, so that they are another when a Secret is. `nil`: it does not.
    public var givenMasterUser: [UInt8]?
    public var givenMasterPassword: [UInt8]?
    /// The password that the environment gives the local server; `nil` where it gives none.
    public var password: [UInt8]?
    /// Others that it may have been started with: what stands in the configurations that a start reads and writes. A server
    /// that did not get a change uses one of them.
    public var earlierPasswords: [[UInt8]]
    /// What the server's TLS is made of; `nil` where it speaks none.
    public var tls: TLSFiles?
    /// What TLS to the Sentinels is made of (`REDIS_SENTINEL_TLS`), also where the servers speak none; `nil`: in the clear.
    public var sentinelTLS: TLSFiles?
    /// Whether the servers speak TLS among each other.
    public var replicatesOverTLS: Bool
    public var recordPath: [UInt8]
    /// `dir`: where the server keeps its files.
    public var dataFolder: [UInt8]
    /// `min-replicas-to-write` and `min-replicas-max-lag`, in seconds.
    public var minimumReplicas: (count: Int, lagSeconds: Int) { (minimumReplicaCount, minimumReplicaLag) }
    var minimumReplicaCount = 0
    var minimumReplicaLag = 10
    /// What is worth telling.
    public var diagnostics: [Diagnostic]

    /// - Parameter arguments: those of redis-replica-init.
    /// - Throws: ``PlanError/refused(_:)`` where it cannot be told who the master is, or a secret cannot be read.
    public init<Files: MachineFiles>(
        arguments: [[UInt8]] = [], environment: Environment, identity: Identity, files: Files
    ) throws(PlanError) {
        let invocation = try Invocation(arguments)
        var planner = try Planner(invocation, environment: environment, identity: identity, files: files)
        planner.heedsRecord = false
        planner.decide()
        planner.checkMasterNodes()
        let concerning = planner.diagnostics.filter(\.concernsSidecar)
        if concerning.contains(where: { $0.severity == .error }) { throw .refused(concerning) }
        diagnostics = concerning
        role = planner.role
        followsSentinel = planner.role != .standalone && !planner.awaitsLeader
        local = try ProbeTarget(
            ProbeOptions(.ready), invocation, environment: environment, identity: identity, files: files)
        master = planner.configuredMaster?.address
        masterNodes = planner.masterNodes()
        masterUser = planner.scalar("masteruser").flatMap { $0.isEmpty ? nil : $0 }
        masterPassword = planner.scalar("masterauth").flatMap { $0.isEmpty ? nil : $0 }
        givenMasterUser = environment["REDIS_MASTER_USER"]
        password = planner.secret("REDIS_PASSWORD")?.value
        // As the start decides it.
        givenMasterPassword =
            planner.secret("REDIS_MASTER_PASSWORD")?.value ?? (planner.awaitsLeader ? password : nil)
        let current = local.password
        earlierPasswords = planner.writtenPasswords.filter { $0 != current }
        let hasTLS = planner.scalar("tls-port").flatMap(number).map { $0 > 0 } ?? false
        replicatesOverTLS = planner.isOn("tls-replication")
        tls =
            hasTLS || replicatesOverTLS
            ? TLSFiles(
                certificate: planner.path("tls-cert-file"), key: planner.path("tls-key-file"),
                keyPassphrase: planner.text("tls-key-file-pass"), authorities: planner.path("tls-ca-cert-file"),
                authoritiesFolder: planner.path("tls-ca-cert-dir")) : nil
        tls?.clientCertificate = planner.path("tls-client-cert-file")
        tls?.clientKey = planner.path("tls-client-key-file")
        tls?.clientKeyPassphrase = planner.text("tls-client-key-file-pass")
        if planner.switchValue("REDIS_SENTINEL_TLS") == true {
            sentinelTLS = tls ?? planner.givenTLSFiles
        }
        recordPath = MasterRecordFile.path(environment)
        minimumReplicaCount = planner.scalar("min-replicas-to-write").flatMap(number) ?? 0
        minimumReplicaLag = planner.scalar("min-replicas-max-lag").flatMap(number) ?? 10
        dataFolder = planner.dataFolder(
            planner.serverArguments(invocation.serverArguments + planner.decideFlags()))
    }
}

extension Planner {
    /// A text that Redis takes for none where it is empty.
    fileprivate func text(_ name: DirectiveName) -> [UInt8]? { scalar(name).flatMap { $0.isEmpty ? nil : $0 } }

    /// A file or folder as the server opens it.
    fileprivate func path(_ name: DirectiveName) -> [UInt8]? { text(name).map { opened($0) } }

    /// The files that the variables name, whether the server speaks TLS or not.
    fileprivate var givenTLSFiles: SidecarTarget.TLSFiles {
        mutating get {
            func file(_ variable: String) -> [UInt8]? { environment[variable].map { opened($0) } }
            return SidecarTarget.TLSFiles(
                certificate: file("REDIS_TLS_CERT_FILE"), key: file("REDIS_TLS_KEY_FILE"),
                keyPassphrase: secret("REDIS_TLS_KEY_FILE_PASS")?.value, authorities: file("REDIS_TLS_CA_FILE"),
                authoritiesFolder: file("REDIS_TLS_CA_DIR"))
        }
    }

    /// What a start has found in its configuration, and what the last one has written where that could not be changed.
    fileprivate var writtenPasswords: [[UInt8]] {
        let other = try? files.contents(ofFile: Self.folderForConfigurations + utf8("/") + configurationName)
        let written = [
            effective.last("requirepass")?.entry,
            other.flatMap {
                Document($0, quotes: dialect.quotes).entries(named: "requirepass").last
            },
        ]
        return written.compactMap { $0?.values.first }.filter { !$0.isEmpty }
    }
}

extension Diagnostic {
    fileprivate var concernsSidecar: Bool {
        switch problem {
        case .unknownMode, .unknownHostsFrom, .malformedHost, .malformedPort, .malformedSwitch, .malformedReplicaof,
            .otherMaster, .secretTwice, .secretUnreadable, .secretEmpty, .secretWithNUL, .secretWithMark,
            .secretWithNewline, .namedTwice, .replicatesItself,
            .configurationUnreadable:
            true
        default: false
        }
    }
}
