import Testing

@testable import LeaseStore

@Suite("Settings of lease stores")
struct StoreSettingsTests {
    @Test(
        "an endpoint is a scheme, a host and a port",
        arguments: ["http://127.0.0.1:2379", "https://etcd-0.example:2379", "https://[::1]:6443", "http://a_b:1"])
    func endpoints(address: String) throws {
        #expect(try EtcdSettings(endpoints: [address], key: "/k").endpoints == [address])
    }

    @Test(
        "anything else is refused, and no password is shown",
        arguments: [
            "", "127.0.0.1:2379", "ftp://a:1", "http://a", "http://a:", "http://a:0", "http://a:65536", "http://a:1/",
            "http://:1", "http://user:secret@a:1", "http://a:+1", "http://a b:1", "http://[::1]", "http://[]:1",
            "http://[::1%25x]:1", "http://a\r\n:1", "http://a:1?x",
        ])
    func refused(address: String) {
        let error = #expect(throws: LeaseStoreSettingsError.self) {
            try EtcdSettings(endpoints: [address], key: "/k")
        }
        #expect(error.map { !$0.description.contains("secret") } ?? false)
    }

    @Test("what belongs together is given together")
    func pairs() {
        let endpoint = "https://a:1"
        #expect(throws: LeaseStoreSettingsError.self) { try EtcdSettings(endpoints: [], key: "/k") }
        #expect(throws: LeaseStoreSettingsError.self) { try EtcdSettings(endpoints: [endpoint], key: "") }
        #expect(throws: LeaseStoreSettingsError.self) {
            try EtcdSettings(endpoints: Array(repeating: endpoint, count: 17), key: "/k")
        }
        #expect(throws: LeaseStoreSettingsError.self) { try EtcdSettings(endpoints: [endpoint], key: "/k", user: "u") }
        #expect(throws: LeaseStoreSettingsError.self) {
            try EtcdSettings(endpoints: [endpoint], key: "/k", tls: StoreTLSFiles(authorities: nil, certificate: "c"))
        }
    }

    @Test("a pod's variables lead to the API server, over IPv6 too")
    func inPod() throws {
        let variables = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]
        #expect(try KubernetesSettings.server(in: variables) == "https://10.0.0.1:443")
        #expect(
            try KubernetesSettings.server(in: ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"])
                == "https://[fd00::1]:6443")
        #expect(throws: LeaseStoreSettingsError.self) { try KubernetesSettings.server(in: [:]) }
    }

    @Test(
        "names are those that Kubernetes takes, so that none leads to another URL",
        arguments: ["", "Redis", "a/b", "..", "a b", "-a", "a-", "a?b", String(repeating: "a", count: 254)])
    func names(name: String) {
        let server = "https://a:1"
        #expect(throws: LeaseStoreSettingsError.self) {
            try KubernetesSettings(server: server, namespace: "redis", name: name)
        }
        #expect(throws: LeaseStoreSettingsError.self) {
            try KubernetesSettings(server: server, namespace: name, name: "main")
        }
    }

    @Test("a token goes over TLS alone")
    func scheme() {
        #expect(throws: LeaseStoreSettingsError.self) {
            try KubernetesSettings(server: "http://a:1", namespace: "redis", name: "main")
        }
    }
}
