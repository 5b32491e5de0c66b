import RedisConf
public import Replication

/// What a sidecar has to know of the server beside it: what the same environment and configuration make of it.
///
/// It is decided anew, as a probe's target is, whenever it is asked for; so a secret that was rotated shows as another
/// target. What would stop a start, and does not concern the sidecar, does not stop it.
public struct SidecarTarget: Equatable, Sendable {
    /// The files that TLS between the servers uses.
    public struct TLSFiles: Equatable, Sendable {
        public var certificate: [UInt8]?
        public var key: [UInt8]?
        /// What the key is encrypted with; a secret, and no path.
        public var keyPassphrase: [UInt8]?
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
    /// Whom environment or file name as the master; the record is left out. `nil`: nobody.
    public var master: MasterAddress?
    /// What the replica shows its master; `nil`: nothing.
    public var masterUser: [UInt8]?
    public var masterPassword: [UInt8]?
    /// The same as far as the environment gives them, so that they are another when a Secret is. `nil`: it does not.
    public var givenMasterUser: [UInt8]?
    public var givenMasterPassword: [UInt8]?
    /// The password that the environment gives the local server; `nil` where it gives none.
    public var password: [UInt8]?
    /// Others that it may have been started with: what stands in the configurations that a start reads and writes. A server
    /// that was not told of a change goes by one of them.
    public var earlierPasswords: [[UInt8]]
    /// What the server's TLS is made of; `nil` where it speaks none.
    public var tls: TLSFiles?
    /// Whether the servers speak TLS among each other.
    public var replicatesOverTLS: Bool
    public var recordPath: [UInt8]
    /// What is worth telling.
    public var diagnostics: [Diagnostic]

    /// - Throws: ``PlanError/refused(_:)`` where it cannot be told who the master is, or a secret cannot be read.
    public init<Files: MachineFiles>(
        environment: Environment, identity: Identity, files: Files
    ) throws(PlanError) {
        let invocation = try Invocation([])
        var planner = try Planner(invocation, environment: environment, identity: identity, files: files)
        planner.heedsRecord = false
        planner.decide()
        let concerning = planner.diagnostics.filter(\.concernsSidecar)
        if concerning.contains(where: { $0.severity == .error }) { throw .refused(concerning) }
        diagnostics = concerning
        role = planner.role
        local = try ProbeTarget(
            ProbeOptions(.ready), invocation, environment: environment, identity: identity, files: files)
        master = planner.configuredMaster?.address
        masterUser = planner.scalar("masteruser").flatMap { $0.isEmpty ? nil : $0 }
        masterPassword = planner.scalar("masterauth").flatMap { $0.isEmpty ? nil : $0 }
        givenMasterUser = environment["REDIS_MASTER_USER"]
        givenMasterPassword = planner.secret("REDIS_MASTER_PASSWORD")?.value
        password = planner.secret("REDIS_PASSWORD")?.value
        let current = local.password
        earlierPasswords = planner.writtenPasswords.filter { $0 != current }
        let hasTLS = planner.scalar("tls-port").flatMap(number).map { $0 > 0 } ?? false
        replicatesOverTLS = planner.isOn("tls-replication")
        tls =
            hasTLS || replicatesOverTLS
            ? TLSFiles(
                certificate: planner.text("tls-cert-file"), key: planner.text("tls-key-file"),
                keyPassphrase: planner.text("tls-key-file-pass"), authorities: planner.text("tls-ca-cert-file"),
                authoritiesFolder: planner.text("tls-ca-cert-dir")) : nil
        recordPath = MasterRecordFile.path(environment)
    }
}

extension Planner {
    /// A text that Redis takes for none where it is empty.
    fileprivate func text(_ name: DirectiveName) -> [UInt8]? { scalar(name).flatMap { $0.isEmpty ? nil : $0 } }

    /// What a start has found in its configuration, and what the last one has written where that could not be changed.
    fileprivate var writtenPasswords: [[UInt8]] {
        let other = try? files.contents(ofFile: Self.folderForConfigurations + utf8("/") + configurationName)
        let written = [
            effective.last("requirepass")?.entry, other.flatMap { Document($0).entries(named: "requirepass").last },
        ]
        return written.compactMap { $0?.values.first }.filter { !$0.isEmpty }
    }
}

extension Diagnostic {
    fileprivate var concernsSidecar: Bool {
        switch problem {
        case .unknownMode, .unknownHostsFrom, .malformedHost, .malformedPort, .malformedSwitch, .malformedReplicaof,
            .otherMaster, .secretTwice, .secretUnreadable, .secretEmpty, .secretWithNUL, .replicatesItself,
            .configurationUnreadable:
            true
        default: false
        }
    }
}
