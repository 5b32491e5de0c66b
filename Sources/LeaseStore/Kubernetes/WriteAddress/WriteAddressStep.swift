internal import RedisCore

/// What is done with the slice of one family that was found.
enum WriteAddressStep: Equatable {
    /// It leads here already; or there is none, and no address for one.
    case nothing
    case create(EndpointSlice)
    /// Replaces exactly the version that was found.
    case update(EndpointSlice)
    /// A node that leads since then has written it.
    case superseded(by: UInt64)
    /// It is no slice of ours: why.
    case foreign(String)

    init(_ found: EndpointSlice?, family: AddressFamily, term: UInt64, settings: WriteAddressSettings) {
        guard let found else {
            // Without an address of this family there is nothing that could lead elsewhere.
            self = settings.address(of: family) == nil ? .nothing : .create(Self.slice(nil, family, term, settings))
            return
        }
        let ours: PublishedTerm
        do throws(ForeignSlice) {
            ours = try PublishedTerm(found, settings: settings)
        } catch {
            self = .foreign(error.reason)
            return
        }
        if let newer = ours.term, newer > term {
            self = .superseded(by: newer)
            return
        }
        let wanted = Self.slice(found, family, term, settings)
        var present = found
        // As Kubernetes writes an empty list.
        present.endpoints = present.endpoints ?? []
        self = wanted == present ? .nothing : .update(wanted)
    }

    private static func slice(
        _ known: EndpointSlice?, _ family: AddressFamily, _ term: UInt64, _ settings: WriteAddressSettings
    ) -> EndpointSlice {
        var metadata = known?.metadata ?? KubernetesMetadata()
        metadata.name = settings.sliceName(family)
        metadata.namespace = settings.lease.namespace
        metadata.labels = (metadata.labels ?? [:]).merging([
            EndpointSlice.serviceLabel: settings.service, EndpointSlice.managerLabel: EndpointSlice.manager,
        ]) { $1 }
        metadata.annotations = (metadata.annotations ?? [:]).merging([
            EndpointSlice.termAnnotation: String(term), EndpointSlice.leaseAnnotation: settings.leaseName,
        ]) { $1 }
        let endpoint = settings.address(of: family).map { address in
            EndpointSlice.Endpoint(
                addresses: [address], conditions: .init(ready: true, serving: true, terminating: false),
                targetRef: .init(
                    kind: "Pod", namespace: settings.lease.namespace, name: settings.pod, uid: settings.podUID))
        }
        return EndpointSlice(
            apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: metadata,
            addressType: family.rawValue, endpoints: endpoint.map { [$0] } ?? [],
            ports: [.init(name: settings.portName, protocol: "TCP", port: Int(settings.port))])
    }
}

/// The term of a slice of ours; `nil` where a person has made it for us, with nothing in it.
struct PublishedTerm: Equatable {
    var term: UInt64?

    init(_ slice: EndpointSlice, settings: WriteAddressSettings) throws(ForeignSlice) {
        if let manager = slice.metadata.labels?[EndpointSlice.managerLabel], manager != EndpointSlice.manager {
            throw ForeignSlice(reason: "is managed by \"\(printable(manager.utf8, limit: 64))\"")
        }
        if let service = slice.metadata.labels?[EndpointSlice.serviceLabel], service != settings.service {
            throw ForeignSlice(reason: "belongs to the Service \"\(printable(service.utf8, limit: 64))\"")
        }
        if let lease = slice.metadata.annotations?[EndpointSlice.leaseAnnotation], lease != settings.leaseName {
            throw ForeignSlice(
                reason: "belongs to the nodes with the lease \"\(printable(lease.utf8, limit: 320))\"")
        }
        guard let text = slice.metadata.annotations?[EndpointSlice.termAnnotation] else { return }
        guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let term = UInt64(text) else {
            throw ForeignSlice(
                reason: "has the annotation \(EndpointSlice.termAnnotation) = \"\(printable(text.utf8, limit: 40))\", "
                    + "which is no term")
        }
        self.term = term
    }
}

/// Why a slice is not ours.
struct ForeignSlice: Error, Equatable {
    var reason: String
}
