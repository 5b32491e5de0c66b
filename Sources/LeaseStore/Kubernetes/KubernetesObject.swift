/// A kind of objects of the API server, in version v1 of its group.
struct KubernetesResource: Equatable, Sendable {
    var group: String
    /// As it stands in addresses and in rights.
    var plural: String
    var kind: String

    static let leases = Self(group: "coordination.k8s.io", plural: "leases", kind: "Lease")
    static let endpointSlices = Self(group: "discovery.k8s.io", plural: "endpointslices", kind: "EndpointSlice")
    static let events = Self(group: "events.k8s.io", plural: "events", kind: "Event")
}

/// An object of the API server, as far as it is read and kept.
protocol KubernetesObject: Codable, Sendable {
    static var resource: KubernetesResource { get }
    var metadata: KubernetesMetadata { get }
}

/// What others put there is kept when the object is replaced.
struct KubernetesMetadata: Codable, Equatable, Sendable {
    var name: String?
    var namespace: String?
    /// Without it, a PUT creates a removed object again, regardless of the version that it names.
    var uid: String?
    var resourceVersion: String?
    var labels: [String: String]?
    var annotations: [String: String]?
    var ownerReferences: [Owner]?
    var finalizers: [String]?

    struct Owner: Codable, Equatable, Sendable {
        var apiVersion: String
        var kind: String
        var name: String
        var uid: String
        var controller: Bool?
        var blockOwnerDeletion: Bool?
    }
}
