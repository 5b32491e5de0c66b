import ReplicaPlanning

/// The files that say who the master is, and hold secrets and certificates.
///
/// Its files are looked at by one thread at a time: by the one that makes it, then by those of one ``FileWork``, of which one
/// begins when the other has ended. That makes it `Sendable`.
final class SecretFiles: @unchecked Sendable {
    /// What was found to be another one than before.
    struct Findings: Sendable {
        /// What environment and files say by now, or why they cannot be read.
        var target: Result<SidecarTarget, PlanError>?
        var tls: Result<ServerTLS, ServerTLSError>?
    }

    private let source: TargetSource
    private let tlsFiles = WatchedFiles()

    /// - Parameter arguments: those of redis-replica-init.
    init(_ environment: Environment, _ identity: Identity, arguments: [[UInt8]] = []) {
        source = TargetSource(environment, identity, arguments: arguments)
    }

    /// What a start finds.
    struct First: Sendable {
        let target: SidecarTarget
        let tls: ServerTLS
    }

    /// - Throws: ``PlanError``, ``ServerTLSError``.
    func readFirst() throws -> First {
        let target = try source.read()
        return First(target: target, tls: try ServerTLS(of: target, files: tlsFiles))
    }

    /// - Parameter target: what is gone by until now.
    func look(_ target: SidecarTarget) -> Findings {
        var findings = Findings()
        var target = target
        if source.hasChanged {
            do throws(PlanError) {
                target = try source.read()
                findings.target = .success(target)
            } catch {
                findings.target = .failure(error)
            }
        }
        if tlsFiles.haveChanged, target.tls != nil {
            tlsFiles.begin()
            do throws(ServerTLSError) {
                findings.tls = .success(try ServerTLS(of: target, files: tlsFiles))
            } catch {
                findings.tls = .failure(error)
            }
        }
        return findings
    }
}
