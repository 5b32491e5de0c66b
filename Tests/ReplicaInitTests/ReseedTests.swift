import ReplicaInit
import Replication
import Testing

@Suite("Bringing the data home")
struct ReseedTests {
    private let address = MasterAddress(host: "10.1.37.14", port: 6379)
    private let own = MasterAddress(host: "10.1.37.13", port: 6379)
    private let name = MasterAddress(host: "redis-master", port: 6379)

    private func reseed(follows: MasterAddress, configured: MasterAddress? = nil) -> Reseed {
        let replica = BirthGuard.Replica(
            keys: 1, replicationID: "id", secondReplicationID: nil, offset: 20, follows: follows)
        return Reseed(
            from: Donor(address: address, follows: follows, replica: replica), at: own, configured: configured,
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
        #expect(reseed.journal == ReseedJournal(replica: address, followed: name, standIn: own))
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

    @Test("sends the donor back to the name that it followed, and an address gives way to the name that is configured")
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
                standIn: MasterAddress(host: "fd00::2", port: 1))
            #expect(ReseedJournal(parsing: journal.text) == journal)
        }
        let text = ReseedJournal(replica: address, followed: name, standIn: own).text
        // Cut off in the port of the last line it still names one, which nobody follows.
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

@Suite("What becomes of the copy")
struct PlacementTests {
    private let copy = "/data/redis-replica-init.copy.rdb"

    private func settings(_ change: (inout DataSettings) -> Void = { _ in }) -> DataSettings {
        var settings = DataSettings(folder: bytes("/data"))
        settings.isAppendOnly = true
        change(&settings)
        return settings
    }

    private func placement(
        _ settings: DataSettings, _ table: [String: [UInt8]] = [:], isSurelyMultiPart: Bool = true
    ) -> [FileChange] {
        settings.placement(isSurelyMultiPart: isSurelyMultiPart, files: TableData(table: table))
    }

    private func files(_ folder: String, _ name: String, _ number: Int, manifest: String) -> [FileChange] {
        [
            .makeFolder(bytes(folder)), .rename(from: bytes(copy), to: bytes("\(folder)/\(name).\(number).base.rdb")),
            .write(bytes("\(folder)/\(name).\(number).incr.aof"), contents: []),
            .write(bytes("\(folder)/\(name).manifest"), contents: bytes(manifest)),
        ]
    }

    @Test("without append-only file: the RDB, by the name that redis-server looks for")
    func rdb() {
        for isSurelyMultiPart in [false, true] {
            let plain = settings {
                $0.isAppendOnly = false
                $0.rdbName = bytes("my dump.rdb")
            }
            #expect(
                placement(plain, isSurelyMultiPart: isSurelyMultiPart)
                    == [.rename(from: bytes(copy), to: bytes("/data/my dump.rdb"))])
        }
    }

    @Test("before 7.0, or where that is not known: one append-only file")
    func single() {
        #expect(
            placement(settings(), isSurelyMultiPart: false)
                == [.rename(from: bytes(copy), to: bytes("/data/appendonly.aof"))])
    }

    @Test("from 7.0 on: the base of a manifest, and the empty file that follows it")
    func manifest() {
        #expect(
            placement(settings())
                == files(
                    "/data/appendonlydir", "appendonly.aof", 1,
                    manifest: """
                        file appendonly.aof.1.base.rdb seq 1 type b
                        file appendonly.aof.1.incr.aof seq 1 type i

                        """))
    }

    @Test("beside a manifest that is there: numbers that none of its files has, and those go in the end")
    func numbers() {
        let old = """
            file appendonly.aof.3.base.rdb seq 3 type b
            file appendonly.aof.11.incr.aof seq 11 type h
            file appendonly.aof.4.incr.aof seq 4 type i

            """
        for isSurelyMultiPart in [false, true] {
            #expect(
                placement(
                    settings(), ["/data/appendonlydir/appendonly.aof.manifest": bytes(old)],
                    isSurelyMultiPart: isSurelyMultiPart)
                    == files(
                        "/data/appendonlydir", "appendonly.aof", 12,
                        manifest: """
                            file appendonly.aof.12.base.rdb seq 12 type b
                            file appendonly.aof.12.incr.aof seq 12 type i

                            """) + [
                        .remove(bytes("/data/appendonlydir/appendonly.aof.3.base.rdb")),
                        .remove(bytes("/data/appendonlydir/appendonly.aof.4.incr.aof")),
                    ])
        }
    }

    @Test("names that a manifest has to quote are quoted, and those in it are read")
    func quoting() {
        let settings = settings {
            $0.appendFolderName = bytes("a folder")
            $0.appendName = bytes("my \"aof\"")
        }
        let changes = placement(settings)
        #expect(
            changes
                == files(
                    "/data/a folder", "my \"aof\"", 1,
                    manifest: """
                        file "my \\"aof\\".1.base.rdb" seq 1 type b
                        file "my \\"aof\\".1.incr.aof" seq 1 type i

                        """))
        guard case .write(let path, let manifest)? = changes.last else {
            Issue.record("\(changes)")
            return
        }
        let again = placement(settings, [text(path): manifest])
        #expect(
            again.suffix(2) == [
                .remove(bytes("/data/a folder/my \"aof\".1.base.rdb")),
                .remove(bytes("/data/a folder/my \"aof\".1.incr.aof")),
            ])
        #expect(again.contains(.write(bytes("/data/a folder/my \"aof\".2.incr.aof"), contents: [])))
    }

    @Test("what is loaded afterwards is the copy, whatever came before")
    func loaded() {
        for appendOnly in [false, true] {
            let settings = settings { $0.isAppendOnly = appendOnly }
            var table: [String: [UInt8]] = [copy: RDB.full]
            for change in placement(settings, table) {
                switch change {
                case .rename(let old, let new):
                    table[text(new)] = table[text(old)]
                    table[text(old)] = nil
                case .write(let path, let contents): table[text(path)] = contents
                case .remove(let path): table[text(path)] = nil
                case .makeFolder: break
                }
            }
            switch MasterData(settings, files: TableData(table: table)) {
            case .snapshot: #expect(!appendOnly)
            case .undated: #expect(appendOnly)
            case let data: Issue.record("\(data)")
            }
        }
    }
}
