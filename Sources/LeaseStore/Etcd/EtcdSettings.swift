/// Where etcd is, and under which key the lease is kept.
package struct EtcdSettings: Equatable, Sendable {
    /// `http://127.0.0.1:2379`, `https://etcd-0.example:2379`: tried in turn.
    package var endpoints: [String]
    /// The whole key: `/redis-replica-kit/redis/main`. One for each installation.
    package var key: String
    /// Where etcd has authentication on.
    package var user: String?
    package var password: String?
    /// Where the password is read again at each login; ``password`` while that cannot be read.
    package var passwordFile: String?
    /// For endpoints with `https`.
    package var tls: StoreTLSFiles?

    package static let maximumEndpoints = 16

    /// - Throws: with what is wrong, and the cure.
    package init(
        endpoints: [String], key: String, user: String? = nil, password: String? = nil, tls: StoreTLSFiles? = nil
    ) throws(LeaseStoreSettingsError) {
        guard !endpoints.isEmpty else {
            throw LeaseStoreSettingsError("no etcd endpoint is given: give one as http://HOST:PORT")
        }
        guard endpoints.count <= Self.maximumEndpoints else {
            throw LeaseStoreSettingsError(
                "\(endpoints.count) etcd endpoints, and \(Self.maximumEndpoints) are the most")
        }
        for endpoint in endpoints { try StoreAddress.check(endpoint, of: "etcd") }
        guard 1...1024 ~= key.utf8.count else {
            throw LeaseStoreSettingsError("the etcd key has \(key.utf8.count) bytes, and may have 1 to 1024")
        }
        guard (user == nil) == (password == nil) else {
            throw LeaseStoreSettingsError("an etcd user needs a password, and the other way round")
        }
        guard (tls?.certificate == nil) == (tls?.key == nil) else {
            throw LeaseStoreSettingsError("a client certificate for etcd needs its key, and the other way round")
        }
        self.endpoints = endpoints
        self.key = key
        self.user = user
        self.password = password
        self.tls = tls
    }
}
