import Failover
import LeaseStore
import LocalTopology
import Testing

/// What is particular to etcd: endpoints, TLS, users.
@Suite("The etcd lease store", .serialized)
struct EtcdLeaseStoreTests {
    private static let patience = Duration.seconds(10)

    private static func record(_ term: UInt64, _ renewals: UInt64, _ holder: String) -> LeaseRecord {
        LeaseStoreTests.record(term, renewals: renewals, holder: holder)
    }

    private static func settings(
        _ server: EtcdServer, endpoints: [String]? = nil, key: String = EtcdServer.prefix + "main",
        user: String? = EtcdServer.user, password: String? = EtcdServer.password, tls: StoreTLSFiles? = nil
    ) throws -> EtcdSettings {
        try EtcdSettings(
            endpoints: endpoints ?? [server.endpoint], key: key, user: server.certificates == nil ? nil : user,
            password: server.certificates == nil ? nil : password, tls: tls ?? server.tls)
    }

    /// What a call throws.
    private static func error(_ body: () async throws -> Void) async throws -> LeaseStoreError {
        do {
            try await body()
        } catch let error as LeaseStoreError {
            return error
        }
        throw NotYet(seen: "no error")
    }

    @Test("endpoints that refuse or are silent cost a part of the deadline; the next one is asked, and then first")
    func endpoints() async throws {
        try await EtcdServer.with { server in
            let refusing = try Loopback.freePorts(1)[0]
            let silent = try SilentListener()
            let store = await server.store(
                try Self.settings(
                    server,
                    endpoints: ["http://127.0.0.1:\(refusing)", "http://127.0.0.1:\(silent.port)", server.endpoint]))
            #expect(try await store.read(within: .seconds(3)) == nil)
            let silences = silent.connections
            #expect(silences > 0)
            // The one that answered is asked first now.
            var version: LeaseVersion?
            for renewal in 0..<20 {
                let record = Self.record(1, UInt64(renewal), "redis-0")
                version = try await store.write(record, replacing: version, within: Self.patience)
            }
            #expect(silent.connections == silences)
        }
    }

    @Test("a password that changes in its file is used at the next login")
    func passwordChanges() async throws {
        try await EtcdServer.with(isSecured: true) { server in
            let secret = try MountedSecret(password: Array("\(EtcdServer.password)\n".utf8))
            var settings = try Self.settings(server)
            settings.passwordFile = secret["password"]
            let store = await server.store(settings)
            #expect(try await store.read(within: Self.patience) == nil)
            try await server.control("user", "delete", EtcdServer.user)
            try await server.control("user", "add", "\(EtcdServer.user):another one")
            try await server.control("user", "grant-role", EtcdServer.user, "lease")
            try secret.exchange(["password": Array("another one\n".utf8)])
            #expect(try await store.read(within: Self.patience) == nil)
            // One that cannot be read for a moment leaves what the start read.
            try secret.exchange([:])
            #expect(try await store.read(within: Self.patience) == nil)
        }
    }

    @Test("a write that an endpoint may have got is not given to the next one")
    func writeOnce() async throws {
        try await EtcdServer.with { server in
            for hangsUp in [false, true] {
                let silent = try SilentListener(hangsUp: hangsUp)
                let store = await server.store(
                    try Self.settings(server, endpoints: ["http://127.0.0.1:\(silent.port)", server.endpoint]))
                await LeaseStoreTests.expectUnavailable {
                    _ = try await store.write(Self.record(1, 0, "redis-0"), replacing: nil, within: .seconds(1))
                }
                #expect(try await store.read(within: Self.patience) == nil)
            }
            // One that surely did not get it is another matter.
            let refusing = try Loopback.freePorts(1)[0]
            let other = await server.store(
                try Self.settings(server, endpoints: ["http://127.0.0.1:\(refusing)", server.endpoint]))
            _ = try await other.write(Self.record(1, 0, "redis-0"), replacing: nil, within: Self.patience)
        }
    }

    @Test("a user, a password, a right, an authority or a client certificate that is wrong is named, and no secret")
    func refusals() async throws {
        try await EtcdServer.with(isSecured: true) { server in
            let certificates = try #require(server.certificates)
            let noClient = StoreTLSFiles(authorities: certificates.certificate("ca"))
            let stranger = StoreTLSFiles(
                authorities: certificates.certificate("stranger"), certificate: certificates.certificate("client"),
                key: certificates.key("client"))
            let named = StoreTLSFiles(
                authorities: certificates.certificate("ca"), certificate: certificates.certificate("named"),
                key: certificates.key("named"))
            let cases: [(EtcdSettings, isRefused: Bool, says: String)] = [
                (try Self.settings(server, password: "wrong-pass"), true, "password"),
                (try Self.settings(server, user: nil, password: nil), true, "user"),
                (try Self.settings(server, key: "/elsewhere"), true, "etcdctl role grant-permission"),
                (try Self.settings(server, tls: named), true, "common name"),
                (try Self.settings(server, tls: noClient), false, "client certificate"),
                (try Self.settings(server, tls: stranger), false, "CA file"),
                (
                    try Self.settings(server, endpoints: [server.endpoint.replacing("https", with: "http")]), false,
                    "answer"
                ),
            ]
            for (settings, isRefused, words) in cases {
                let store = await server.store(settings)
                for error in [
                    try await Self.error { _ = try await store.read(within: Self.patience) },
                    try await Self.error {
                        _ = try await store.write(Self.record(1, 0, "redis-0"), replacing: nil, within: Self.patience)
                    },
                ] {
                    switch error {
                    case .refused(let reason): #expect(isRefused && reason.contains(words), "\(reason)")
                    case .unavailable(let reason): #expect(!isRefused && reason.contains(words), "\(reason)")
                    case .conflict, .unreadable: Issue.record("\(error)")
                    }
                    #expect(!"\(error)".contains("pass-phrase") && !"\(error)".contains("wrong-pass"), "\(error)")
                }
            }
        }
    }

    @Test("a token that etcd no longer takes is replaced: after its restart, and after a change of its users")
    func tokens() async throws {
        try await EtcdServer.with(isSecured: true) { server in
            let store = try await server.store("main")
            var version = try await store.write(Self.record(1, 0, "redis-0"), replacing: nil, within: Self.patience)
            try await server.control("user", "add", "another:pw")
            version = try await store.write(Self.record(1, 1, "redis-0"), replacing: version, within: Self.patience)
            try await server.kill()
            try await server.start()
            let known = version
            _ = try await eventually("a write after the restart") {
                try await store.write(Self.record(1, 2, "redis-0"), replacing: known, within: Self.patience)
            }
        }
    }

    @Test("a watch goes on where etcd has forgotten what came between")
    func compaction() async throws {
        try await EtcdServer.with { server in
            let store = try await server.store("main")
            var told = store.changes().makeAsyncIterator()
            #expect(await told.next() == .some(nil))
            var version: LeaseVersion?
            for renewal in 0..<5 {
                let record = Self.record(1, UInt64(renewal), "redis-0")
                version = try await store.write(record, replacing: version, within: Self.patience)
            }
            try await server.control(
                "compaction", try #require(version?.text.split(separator: "/").first.map(String.init)))
            try await server.kill()
            try await server.start()
            let known = version
            let last = try await eventually("a write after the restart") {
                try await store.write(Self.record(1, 9, "redis-0"), replacing: known, within: Self.patience)
            }
            while let element = await told.next() {
                if element?.version == last { break }
            }
        }
    }
}
