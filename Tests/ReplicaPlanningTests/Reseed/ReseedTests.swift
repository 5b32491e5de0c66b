import RedisCore
import ReplicaPlanning
import Testing

@Suite("A restore from replicas")
struct ReseedTests {
    private let address = MasterAddress(host: "10.1.37.14", port: 6379)
    private let own = MasterAddress(host: "10.1.37.13", port: 6379)
    private let name = MasterAddress(host: "redis-master", port: 6379)

    private func reseed(follows: MasterAddress, configured: MasterAddress? = nil) -> Reseed {
        let replica = StartupGuard.Replica(
            keys: 1, replicationID: "id", secondReplicationID: nil, offset: 20, follows: follows)
        return Reseed(
            from: SyncSource(address: address, follows: follows, replica: replica), at: own, configured: configured,
            placement: [.rename(from: bytes("/data/copy"), to: bytes("/data/dump.rdb"))])
    }

    @Test("remembers, listens, attaches, copies, releases, compares, installs and forgets, in this order")
    func steps() {
        let reseed = reseed(follows: name)
        #expect(
            reseed.steps == [
                .remember(reseed.journal), .listen, .attach, .copy, .release, .compare,
                .install([.rename(from: bytes("/data/copy"), to: bytes("/data/dump.rdb"))]), .forget,
            ])
        #expect(reseed.journal == ReseedJournal(replica: address, followed: name, placeholder: own))
    }

    @Test("takes back what was begun, the last first")
    func undo() {
        let reseed = reseed(follows: name)
        let table: [[Reseed.Undo]] = [
            [.forget], [.stopListening, .forget], [.release, .stopListening, .forget],
            [.discard, .release, .stopListening, .forget], [.discard, .release, .stopListening, .forget],
            [.discard, .release, .stopListening, .forget], [.discard, .release, .stopListening, .forget],
            [.discard, .release, .stopListening, .forget],
        ]
        #expect(reseed.steps.map { reseed.undo(from: $0) } == table)
        #expect(reseed.undo(from: .install([])) == [], "a step of another plan")
    }

    @Test(
        "sends the sync source back to the name that it followed, and an address gives way to the name that is configured"
    )
    func homeAddress() {
        let other = MasterAddress(host: "redis-master-b", port: 6380)
        for (follows, configured, home) in [
            (name, nil, name), (name, other, name), (own, nil, own), (own, name, name),
            (MasterAddress(host: "10.1.37.9", port: 6379), name, name),
            (MasterAddress(host: "fd00::9", port: 6379), name, name),
            (MasterAddress(host: "10.1.37.9", port: 6379), nil, MasterAddress(host: "10.1.37.9", port: 6379)),
        ] {
            let reseed = reseed(follows: follows, configured: configured)
            #expect(reseed.home == home, "\(follows), \(String(describing: configured))")
            #expect(reseed.journal.followed == home)
        }
    }

    @Test("writes a journal that it can read, and none that is broken is believed")
    func journal() throws {
        for host in ["redis-master", "redis-master.default.svc.cluster.local", "10.0.0.1", "fd00::1%eth0"] {
            let journal = ReseedJournal(
                replica: address, followed: MasterAddress(host: host, port: 65535),
                placeholder: MasterAddress(host: "fd00::2", port: 1))
            #expect(ReseedJournal(parsing: journal.text) == journal)
        }
        let text = ReseedJournal(replica: address, followed: name, placeholder: own).text
        // Cut off in the port of the last line, it still names one, which no replica follows.
        let lastDigits = text.count - "6379\n".count
        for end in 0...lastDigits {
            #expect(ReseedJournal(parsing: String(text.prefix(end))) == nil, "\(end) characters")
        }
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        for (index, line) in lines.enumerated() {
            for other in [
                "", "# \(line)", "\(line) x", line.replacing("6379", with: "0"), line.replacing("6379", with: "65536"),
                line.replacing("6379", with: "-1"), line.replacing("6379", with: "six"),
                line.replacing(" ", with: "\t"),
                line.replacing(/[0-9.]+ 6379|redis-master 6379/, with: "6379"),
            ] {
                var changed = lines.map(String.init)
                changed[index] = String(other)
                #expect(ReseedJournal(parsing: changed.joined(separator: "\n")) == nil, "\(other)")
            }
        }
        #expect(ReseedJournal(parsing: text.replacing("\n", with: "\r\n")) != nil, "an editor may have been there")
        #expect(ReseedJournal(parsing: String(lines.reversed().joined(separator: "\n"))) != nil)
    }
}
