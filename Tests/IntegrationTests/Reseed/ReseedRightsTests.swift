import Hiredis
import LocalTopology
import Testing

@Suite("A master that logs in to its replicas for its data")
struct ReseedRightsTests {
    /// What docs/redis-replica-init.md asks for, and no right more.
    private static let rights = "+info +ping +role +multi +exec +replicaof +replconf +sync"

    private func withProtectedScene(
        _ path: String? = nil, rights: String = rights, _ body: (ReseedScene) async throws -> Void
    ) async throws {
        var options = ReseedScene.Options()
        options.password = "s3cret"
        options.replicaLines = ["user seeder on >seeders -@all \(rights)"]
        try await withReseedScene(path, options, life("seeders"), body)
    }

    private func life(_ password: String) -> ReseedScene.Life {
        .init(environment: [
            "REDIS_MASTER_USER": "seeder", "REDIS_MASTER_PASSWORD": password, "REDIS_GUARD_TIMEOUT": "1",
        ])
    }

    @Test("needs a user with the rights that are named, and no others")
    func exactRights() async throws {
        try await onEveryServer { path in
            try await withProtectedScene(path) { scene in
                try await scene.withMaster(self.life("seeders")) { try await scene.expectHome($0) }
            }
        }
    }

    @Test("is blocked with a wrong password, which it does not print, and changes nothing")
    func wrongPassword() async throws {
        try await withProtectedScene { scene in
            let log = try await scene.held(life("guessed"))
            #expect(log.contains("it refuses the password; check REDIS_MASTER_PASSWORD"), "\(log)")
            #expect(!log.contains("guessed") && !log.contains("s3cret"))
            #expect(scene.entries == [])
            try await scene.expectUntouched()
        }
    }

    @Test("is blocked where a right is missing, and says which")
    func missingRight() async throws {
        try await onEveryServer { path in
            try await withProtectedScene(path, rights: Self.rights.replacing(" +sync", with: "")) { scene in
                for right in ["+sync", "+replconf", "+replicaof", "+exec", "+multi", "+role"] {
                    // One after the other: what was missing in the last round is granted, the next one is taken.
                    for replica in scene.replicas {
                        let rights = Self.rights.split(separator: " ").filter { $0 != right }.map(String.init)
                        for rule in ["-@all"] + rights {
                            _ = try await scene.ask(scene.cluster, replica, "ACL", "SETUSER", "seeder", rule)
                        }
                    }
                    let log = try await scene.held(self.life("seeders"))
                    #expect(log.contains("The restore from replicas failed") && log.contains(right), "\(right): \(log)")
                    #expect(scene.entries == [], "\(right)")
                    try await scene.expectUntouched()
                }
            }
        }
    }
}
