import Testing

@testable import LeaseStore

@Suite("What is done with the EndpointSlice of the write Service")
struct WriteAddressTests {
    private static func settings(
        _ addresses: [String] = ["10.0.0.7"], service: String = "redis-master", port: UInt16 = 6379,
        namespace: String = "redis"
    ) throws -> WriteAddressSettings {
        try WriteAddressSettings(
            lease: KubernetesSettings(server: "https://10.0.0.1:443", namespace: namespace, name: "redis-master"),
            service: service, addresses: addresses, port: port, pod: "redis-0", podUID: "4f0c")
    }

    private static func step(
        _ found: EndpointSlice?, term: UInt64, _ settings: WriteAddressSettings, _ family: AddressFamily = .ipv4
    ) -> WriteAddressStep { WriteAddressStep(found, family: family, term: term, settings: settings) }

    private static func created(term: UInt64, _ settings: WriteAddressSettings) throws -> EndpointSlice {
        guard case .create(var slice) = step(nil, term: term, settings) else { throw Unexpected() }
        slice.metadata.resourceVersion = "17"
        slice.metadata.uid = "u"
        return slice
    }

    private struct Unexpected: Error {}

    @Test("a new slice leads to this pod, by the Service's name and port, and holds the term")
    func create() throws {
        let slice = try Self.created(term: 4, Self.settings())
        #expect(slice.metadata.name == "redis-master-ipv4")
        #expect(slice.metadata.labels?["kubernetes.io/service-name"] == "redis-master")
        #expect(slice.metadata.labels?["endpointslice.kubernetes.io/managed-by"] == "redis-replica-kit")
        #expect(slice.metadata.annotations?["redis-replica-kit/term"] == "4")
        #expect(slice.metadata.annotations?["redis-replica-kit/lease"] == "redis/redis-master")
        #expect(slice.addressType == "IPv4")
        #expect(slice.addresses == ["10.0.0.7"])
        #expect(slice.ports == [.init(name: "redis", protocol: "TCP", port: 6379)])
        #expect(slice.endpoints?.first?.targetRef?.name == "redis-0")
    }

    @Test("the same term and address are written once")
    func same() throws {
        let settings = try Self.settings()
        #expect(Self.step(try Self.created(term: 4, settings), term: 4, settings) == .nothing)
    }

    @Test("a newer term replaces exactly the version that was found, and keeps what others put there")
    func newer() throws {
        var found = try Self.created(term: 4, Self.settings(["10.0.0.3"]))
        found.metadata.labels?["team"] = "data"
        found.metadata.ownerReferences = [.init(apiVersion: "v1", kind: "Service", name: "redis-master", uid: "s")]
        guard case .update(let slice) = Self.step(found, term: 5, try Self.settings()) else {
            Issue.record("no update")
            return
        }
        #expect(slice.addresses == ["10.0.0.7"])
        #expect(slice.metadata.resourceVersion == "17" && slice.metadata.uid == "u")
        #expect(slice.metadata.labels?["team"] == "data")
        #expect(slice.metadata.ownerReferences == found.metadata.ownerReferences)
        #expect(slice.metadata.annotations?["redis-replica-kit/term"] == "5")
    }

    @Test(
        "an older term never overwrites a newer one",
        arguments: [0, 1, 4, UInt64(Int64.max), UInt64.max - 1] as [UInt64])
    func older(term: UInt64) throws {
        for newer in [term + 1, .max] {
            let found = try Self.created(term: newer, Self.settings(["10.0.0.3"]))
            #expect(Self.step(found, term: term, try Self.settings()) == .superseded(by: newer))
        }
    }

    @Test("a slice that a person has emptied, changed or prepared leads here again")
    func repaired() throws {
        let settings = try Self.settings()
        let whole = try Self.created(term: 4, settings)
        let changes: [(inout EndpointSlice) -> Void] = [
            { $0.endpoints = nil }, { $0.endpoints = [] }, { $0.ports = nil },
            { $0.endpoints?[0].conditions?.ready = false }, { $0.metadata.labels?["kubernetes.io/service-name"] = nil },
            { $0.metadata.annotations = nil }, { $0.metadata.labels = nil },
        ]
        for change in changes {
            var found = whole
            change(&found)
            #expect(Self.step(found, term: 4, settings) == .update(whole))
        }
    }

    @Test("what another program or another installation keeps there stays")
    func foreign() throws {
        let settings = try Self.settings()
        let whole = try Self.created(term: 4, settings)
        let changes: [(inout EndpointSlice) -> Void] = [
            {
                $0.metadata.labels?["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io"
            },
            { $0.metadata.labels?["kubernetes.io/service-name"] = "other" },
            { $0.metadata.annotations?["redis-replica-kit/lease"] = "redis/other" },
            { $0.metadata.annotations?["redis-replica-kit/term"] = "" },
            { $0.metadata.annotations?["redis-replica-kit/term"] = "+4" },
            { $0.metadata.annotations?["redis-replica-kit/term"] = "-1" },
            { $0.metadata.annotations?["redis-replica-kit/term"] = "18446744073709551616" },
        ]
        for change in changes {
            var found = whole
            change(&found)
            guard case .foreign(let reason) = Self.step(found, term: 9, settings) else {
                Issue.record("\(Self.step(found, term: 9, settings))")
                continue
            }
            #expect(!reason.isEmpty)
        }
    }

    @Test("a family without an address here: nothing is made, and what is there leads nowhere")
    func otherFamily() throws {
        let settings = try Self.settings()
        #expect(Self.step(nil, term: 4, settings, .ipv6) == .nothing)
        guard case .create(let six) = Self.step(nil, term: 3, try Self.settings(["10.0.0.3", "fd00::3"]), .ipv6) else {
            throw Unexpected()
        }
        #expect(six.addressType == "IPv6" && six.addresses == ["fd00::3"])
        #expect(six.metadata.name == "redis-master-ipv6")
        guard case .update(let empty) = Self.step(six, term: 4, settings, .ipv6) else { throw Unexpected() }
        #expect(empty.endpoints == [])
        // As Kubernetes writes it.
        var read = empty
        read.endpoints = nil
        #expect(Self.step(read, term: 4, settings, .ipv6) == .nothing)
    }

    @Test(
        "an address that Kubernetes does not take for a Service is refused with the cure",
        arguments: [
            "", "redis-0", "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.1.1", "224.0.0.1", "255.255.255.255", "10.1",
            "010.0.0.1", "10.0.0.1:6379", "10.0.0.1/24", "::", "::1", "fe80::1", "febf::1", "ff02::1",
            "::ffff:10.0.0.1", "::10.0.0.1", "fd00::1%eth0", "[fd00::1]", "10.0.0.1 ", "10.0.0.1\n",
        ])
    func badAddress(address: String) throws {
        let error = #expect(throws: LeaseStoreSettingsError.self) { try Self.settings([address]) }
        #expect(error?.description.contains("status.podIPs") ?? false)
    }

    @Test("a pod has an address of each family at most, and at least one")
    func families() throws {
        #expect(throws: LeaseStoreSettingsError.self) { try Self.settings([]) }
        #expect(throws: LeaseStoreSettingsError.self) { try Self.settings(["10.0.0.1", "10.0.0.2"]) }
        for addresses in [["10.0.0.1", "fd00::1"], ["fd00::1", "10.0.0.1"]] {
            let settings = try Self.settings(addresses)
            #expect(settings.address(of: .ipv4) == "10.0.0.1" && settings.address(of: .ipv6) == "fd00::1")
        }
        #expect(try Self.settings(["2001:db8::1"]).address(of: .ipv4) == nil)
    }

    @Test("the pod's variables: both addresses, or one")
    func variables() {
        #expect(WriteAddressSettings.addresses(in: ["POD_IPS": "10.0.0.1,fd00::1"]) == ["10.0.0.1", "fd00::1"])
        #expect(WriteAddressSettings.addresses(in: ["POD_IPS": "", "POD_IP": "10.0.0.1"]) == ["10.0.0.1"])
        #expect(WriteAddressSettings.addresses(in: ["POD_IPS": "fd00::1, 10.0.0.1"]) == ["fd00::1", "10.0.0.1"])
        #expect(WriteAddressSettings.addresses(in: [:]) == [])
    }

    @Test("a Service's name is one label", arguments: ["", "a.b", "-a", "a-", "Redis", "a/b", "a\n"])
    func badService(name: String) {
        let error = #expect(throws: LeaseStoreSettingsError.self) { try Self.settings(service: name) }
        #expect(error?.description.contains("FAILOVER_SERVICE") ?? false)
        #expect(throws: LeaseStoreSettingsError.self) {
            try Self.settings(service: String(repeating: "a", count: 64))
        }
        #expect(throws: LeaseStoreSettingsError.self) { try Self.settings(port: 0) }
    }
}
