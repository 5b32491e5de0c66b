internal import RedisCore

/// Which Lease object of which cluster, and as whom.
package struct KubernetesSettings: Equatable, Sendable {
    /// `https://10.0.0.1:443`.
    package var server: String
    package var namespace: String
    /// Of the Lease. One for each installation in a namespace.
    package var name: String
    /// The service account's token; read again when the file changes.
    package var tokenFile: String
    /// The authorities that may have signed the API server's certificate; read again when the file changes.
    package var authoritiesFile: String

    /// Where Kubernetes puts a pod's token, namespace and authorities.
    package static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// - Throws: with what is wrong, and the cure.
    package init(
        server: String, namespace: String, name: String, tokenFile: String = serviceAccountFolder + "/token",
        authoritiesFile: String = serviceAccountFolder + "/ca.crt"
    ) throws(LeaseStoreSettingsError) {
        try StoreAddress.check(server, of: "Kubernetes")
        guard server.hasPrefix("https://") else {
            throw LeaseStoreSettingsError("the Kubernetes endpoint is not https://: a token goes there")
        }
        guard Self.isName(namespace, maximum: 63, dots: false) else {
            throw LeaseStoreSettingsError(
                "'\(shown(namespace))' is no namespace of Kubernetes: give 1 to 63 of a-z, 0-9 and - between them")
        }
        guard Self.isName(name, maximum: 253, dots: true) else {
            throw LeaseStoreSettingsError(
                "'\(shown(name))' is no name of a Lease: give 1 to 253 of a-z, 0-9, and - or . between them")
        }
        self.server = server
        self.namespace = namespace
        self.name = name
        self.tokenFile = tokenFile
        self.authoritiesFile = authoritiesFile
    }

    /// The API server as a pod's variables name it: `KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT`.
    ///
    /// - Throws: where this is no pod.
    package static func server(in environment: [String: String]) throws(LeaseStoreSettingsError) -> String {
        let https = environment["KUBERNETES_SERVICE_PORT_HTTPS"] ?? environment["KUBERNETES_SERVICE_PORT"]
        guard let host = environment["KUBERNETES_SERVICE_HOST"], let port = https, !host.isEmpty else {
            throw LeaseStoreSettingsError(
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod of Kubernetes")
        }
        return "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    /// A label of DNS, or several with dots between them, as Kubernetes takes them.
    static func isName(_ name: String, maximum: Int, dots: Bool) -> Bool {
        guard 1...maximum ~= name.utf8.count else { return false }
        let labels = dots ? name.split(separator: ".", omittingEmptySubsequences: false) : [Substring(name)]
        return labels.allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }
}

private func shown(_ name: String) -> String { printable(name.utf8, limit: 64) }
