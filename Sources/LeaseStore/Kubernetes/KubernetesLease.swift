internal import Failover

/// A Lease of `coordination.k8s.io/v1`, as far as it is read and kept (kubernetes/api `coordination/v1/types.go`).
struct KubernetesLease: KubernetesObject, Equatable {
    static let resource = KubernetesResource.leases

    var apiVersion: String?
    var kind: String?
    var metadata: KubernetesMetadata
    var spec: Spec?

    struct Spec: Codable, Equatable, Sendable {
        var holderIdentity: String?
        var leaseDurationSeconds: Int64?
        var acquireTime: String?
        var renewTime: String?
        var leaseTransitions: Int64?
    }

    /// Where the whole record is. `spec` repeats of it what `kubectl get lease` shows.
    static let annotation = "redis-replica-kit/lease"

    /// A new object for the record, or the known one with the record in it.
    ///
    /// - Parameters:
    ///   - text: the record as ``LeaseText`` writes it.
    ///   - known: what is replaced.
    ///   - now: as ``MicroTime`` writes it.
    init(
        _ record: LeaseRecord, text: String, replacing known: KubernetesLease?, namespace: String, name: String,
        now: String
    ) {
        apiVersion = "coordination.k8s.io/v1"
        kind = "Lease"
        metadata = known?.metadata ?? KubernetesMetadata()
        metadata.name = name
        metadata.namespace = namespace
        metadata.annotations = (metadata.annotations ?? [:]).merging([Self.annotation: text]) { $1 }
        let isSameTerm = (try? known?.record)?.term == record.term
        spec = Spec(
            // Kubernetes takes no empty one.
            holderIdentity: record.holder.map { $0.pod.isEmpty ? $0.name : "\($0.name)_\($0.pod)" },
            leaseDurationSeconds: max(1, min(Int64(Int32.max), record.duration.wholeSecondsUp)),
            acquireTime: isSameTerm ? known?.spec?.acquireTime ?? now : now, renewTime: now,
            // The annotation has a term above that in full.
            leaseTransitions: Int64(min(record.term, UInt64(Int32.max))))
    }

    /// The record in the annotation; `nil` for an empty Lease that was created for this program.
    var record: LeaseRecord? {
        get throws(ForeignLease) {
            guard let text = metadata.annotations?[Self.annotation] else {
                guard spec?.isEmpty ?? true else { throw .otherProgram(holder: spec?.holderIdentity) }
                return nil
            }
            do {
                return try LeaseText.record(in: text.utf8)
            } catch {
                throw .text(error)
            }
        }
    }
}

/// Why a Lease is not read.
enum ForeignLease: Error, Equatable {
    case otherProgram(holder: String?)
    case text(LeaseTextError)
}

extension KubernetesLease.Spec {
    fileprivate var isEmpty: Bool {
        (holderIdentity ?? "").isEmpty && renewTime == nil && acquireTime == nil && (leaseTransitions ?? 0) == 0
    }
}

extension Duration {
    fileprivate var wholeSecondsUp: Int64 {
        let (seconds, attoseconds) = components
        return attoseconds > 0 ? seconds + 1 : seconds
    }
}
