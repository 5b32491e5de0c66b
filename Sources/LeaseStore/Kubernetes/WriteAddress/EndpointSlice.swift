/// An EndpointSlice of `discovery.k8s.io` with at most one address, as far as it is read and kept
/// (kubernetes/api `discovery/v1/types.go`).
struct EndpointSlice: KubernetesObject, Equatable {
    static let resource = KubernetesResource.endpointSlices

    var apiVersion: String?
    var kind: String?
    var metadata: KubernetesMetadata
    /// `IPv4` or `IPv6`. Kubernetes takes no change of it.
    var addressType: String
    /// `null` where there is none: Kubernetes writes an empty list so.
    var endpoints: [Endpoint]?
    var ports: [Port]?

    struct Endpoint: Codable, Equatable, Sendable {
        var addresses: [String]
        var conditions: Conditions?
        var targetRef: Target?
        var nodeName: String?
    }

    struct Conditions: Codable, Equatable, Sendable {
        var ready: Bool?
        var serving: Bool?
        var terminating: Bool?
    }

    /// Shows people which pod it is.
    struct Target: Codable, Equatable, Sendable {
        var kind: String?
        var namespace: String?
        var name: String?
        var uid: String?
    }

    struct Port: Codable, Equatable, Sendable {
        var name: String?
        var `protocol`: String?
        var port: Int?
    }

    /// The Service whose addresses these are: kube-proxy looks for it.
    static let serviceLabel = "kubernetes.io/service-name"
    /// Who writes it: Kubernetes' own controllers leave alone what another program manages.
    static let managerLabel = "endpointslice.kubernetes.io/managed-by"
    static let manager = "redis-replica-kit"
    /// In which term the address was written. Only a newer one replaces it.
    static let termAnnotation = "redis-replica-kit/term"
    /// The lease that counts the terms: those of another one say nothing.
    static let leaseAnnotation = "redis-replica-kit/lease"

    /// The addresses that a client of the Service reaches.
    var addresses: [String] {
        (endpoints ?? []).filter { $0.conditions?.ready ?? true }.flatMap(\.addresses)
    }
}
