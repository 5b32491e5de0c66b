import Testing

@testable import RedisConf

@Suite("Fingerprints that are written down are those of the names")
struct KnownNamesTests {
    private func isKnown(_ name: String) -> Bool { KnownNames.contains(Array(name.utf8).span) }

    @Test func `the tables of names`() {
        #expect(DirectiveName.aliasFingerprints == DirectiveName.aliases.map { DirectiveName.fingerprint(of: $0) })
        #expect(
            DirectiveName.canonicalFingerprints == DirectiveName.canonicals.map { DirectiveName.fingerprint(of: $0) })
        #expect(DirectiveName.secretFingerprints == DirectiveName.secrets.map { DirectiveName.fingerprint(of: $0) })
        #expect(DirectiveName.manyFingerprints == DirectiveName.takingMany.map { DirectiveName.fingerprint(of: $0) })
        #expect(DirectiveName.renameCommandFingerprint == DirectiveName.fingerprint(of: "rename-command"))
        #expect(DirectiveName.masterUserFingerprint == DirectiveName.fingerprint(of: "masteruser"))
        #expect(DirectiveName.replicaofFingerprint == DirectiveName.fingerprint(of: "replicaof"))
    }

    @Test func `sorted, so that each is found, and nothing else`() {
        #expect(KnownNames.fingerprints == KnownNames.fingerprints.sorted())
        #expect(KnownNames.fingerprints.allSatisfy { KnownNames.contains(fingerprint: $0) })
        #expect(!KnownNames.contains(fingerprint: 0) && !KnownNames.contains(fingerprint: .max))
        for name in ["requirepass", "MAXMEMORY", "tls-key-file-pass", "slaveof", "vm-enabled"] {
            #expect(isKnown(name), "\(name)")
        }
        for name in ["", "requirepas", "maxmemory:", "redis-cli", "export"] {
            #expect(!isKnown(name), "\(name)")
        }
    }
}
