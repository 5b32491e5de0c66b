import ReplicaPlanning
import Testing

@Suite("What becomes of the copy")
struct PlacementTests {
    private static let copy = "/data/redis-replica-init.copy.rdb"
    private static let aside = "/data/redis-replica-init.aside.T"

    private func settings(_ change: (inout DataSettings) -> Void = { _ in }) -> DataSettings {
        var settings = DataSettings(folder: bytes("/data"))
        settings.isAppendOnly = true
        change(&settings)
        return settings
    }

    /// The folder after the changes, and after each part of them if the start was killed then.
    private func states(
        _ settings: DataSettings, _ table: [String: [UInt8]] = [:]
    ) -> (all: [[String: [UInt8]]], changes: [FileChange]) {
        var table = table
        table[Self.copy] = RDB.full
        let changes = settings.placement(aside: bytes(Self.aside), files: TableData(table: table))
        var all = [table]
        for change in changes {
            table = change.applied(to: table)
            all.append(table)
        }
        return (all, changes)
    }

    private func placed(_ settings: DataSettings, _ table: [String: [UInt8]] = [:]) -> [String: [UInt8]] {
        states(settings, table).all.last ?? [:]
    }

    @Test("without append-only file: the RDB, by the name that redis-server looks for")
    func rdb() {
        for form in [DataSettings.AppendOnlyForm.single, .unknown, .multiPart] {
            let plain = settings {
                $0.isAppendOnly = false
                $0.rdbName = bytes("my dump.rdb")
                $0.form = form
            }
            #expect(placed(plain) == ["/data/my dump.rdb": RDB.full])
        }
    }

    @Test("before 7.0, or where that is not known: one append-only file")
    func single() {
        for form in [DataSettings.AppendOnlyForm.single, .unknown] {
            #expect(placed(settings { $0.form = form }) == ["/data/appendonly.aof": RDB.full])
        }
    }

    @Test("from 7.0 on: the base of a manifest, and the empty file that follows it")
    func manifest() {
        #expect(
            placed(settings()) == [
                "/data/appendonlydir/appendonly.aof.1.base.rdb": RDB.full,
                "/data/appendonlydir/appendonly.aof.1.incr.aof": [],
                "/data/appendonlydir/appendonly.aof.manifest": bytes(
                    "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"),
            ])
    }

    @Test("names that a manifest has to quote are quoted, and those in it are read")
    func quoting() {
        let settings = settings {
            $0.appendFolderName = bytes("a folder")
            $0.appendName = bytes("my \"aof\"")
        }
        let table = placed(settings)
        #expect(
            table["/data/a folder/my \"aof\".manifest"]
                == bytes(
                    """
                    file "my \\"aof\\".1.base.rdb" seq 1 type b
                    file "my \\"aof\\".1.incr.aof" seq 1 type i

                    """))
        #expect(
            MasterData(settings, files: TableData(table: table))
                == .undated(path: bytes("/data/a folder/my \"aof\".1.base.rdb")))
    }

    /// Sets that an earlier life may have left, each with its own byte in every file.
    private static let leftovers: [[String]] = [
        ["dump.rdb"], ["appendonly.aof"], ["temp-17.rdb", "temp-rewriteaof-bg-18.aof"], ["other.rdb", "other.aof"],
        ["appendonlydir/appendonly.aof.1.incr.aof"],
        ["appendonlydir/appendonly.aof.1.base.rdb", "appendonlydir/appendonly.aof.1.incr.aof"],
        ["appendonlydir/appendonly.aof.manifest"],
        ["appendonlydir/appendonly.aof.manifest", "appendonlydir/appendonly.aof.7.base.rdb"],
        ["appendonlydir/other.aof.1.incr.aof", "appendonlydir/temp-appendonly.aof.manifest"],
        ["appendonlydir/appendonly.aof"],
        [
            "dump.rdb", "appendonly.aof", "appendonlydir/appendonly.aof.1.incr.aof",
            "appendonlydir/appendonly.aof.manifest",
        ],
    ]

    @Test(
        "nothing of an older set stays where a server could load it, and no byte of it is lost, at any moment it ends"
    )
    func leftovers() {
        for form in [DataSettings.AppendOnlyForm.single, .unknown, .multiPart] {
            for (isAppendOnly, names) in Self.leftovers.flatMap({ [(false, $0), (true, $0)] }) {
                let settings = settings {
                    $0.isAppendOnly = isAppendOnly
                    $0.form = form
                }
                let old = names.enumerated().map { ("/data/\($1)", bytes("old \($0)")) }
                let kept: [String: [UInt8]] = ["/data/redis.conf": bytes("port 1"), "/data/sub/x.rdb": bytes("x")]
                let (all, _) = states(settings, Dictionary(uniqueKeysWithValues: old).merging(kept) { $1 })
                for table in all {
                    for (name, contents) in old {
                        #expect(table.values.contains(contents), "\(name), \(form): \(table.keys.sorted())")
                    }
                    for (name, contents) in kept { #expect(table[name] == contents) }
                    // What is loaded is the old set, nothing, or the copy alone.
                    let loaded = table.filter {
                        $0.value == RDB.full && $0.key != Self.copy && !$0.key.contains(".new/")
                    }
                    let stays = old.filter { table[$0.0] == $0.1 }
                    #expect(loaded.isEmpty || stays.isEmpty, "\(form): \(table.keys.sorted())")
                }
                let last = all.last ?? [:]
                for (name, contents) in old {
                    #expect(last[name.replacing("/data/", with: Self.aside + "/")] == contents, "\(name)")
                }
                #expect(settings.filesTakenOver(TableData(table: last)) == [])
                switch MasterData(settings, files: TableData(table: last)) {
                case .snapshot: #expect(!isAppendOnly)
                case .undated: #expect(isAppendOnly)
                case let data: Issue.record("\(data)")
                }
            }
        }
    }

    @Test("what is moved aside gets a new name with the time")
    func asideName() {
        let settings = settings()
        var table: [String: [UInt8]] = [:]
        for name in ["redis-replica-init.aside.T", "redis-replica-init.aside.T-2", "redis-replica-init.aside.T-3"] {
            #expect(settings.asideFolder("aside", at: "T", files: TableData(table: table)) == bytes("/data/" + name))
            table["/data/\(name)/dump.rdb"] = [1]
        }
    }
}

extension FileChange {
    fileprivate func applied(to table: [String: [UInt8]]) -> [String: [UInt8]] {
        var table = table
        switch self {
        case .rename(let old, let new):
            for (name, contents) in table where name == text(old) || name.hasPrefix(text(old) + "/") {
                let name = text(new) + name.dropFirst(old.count)
                #expect(table[name] == nil, "\(name) is written over")
                table[name] = contents
            }
            table = table.filter { $0.key != text(old) && !$0.key.hasPrefix(text(old) + "/") }
        case .write(let path, let contents):
            #expect(table[text(path)] == nil)
            table[text(path)] = contents
        case .removeFolder(let folder): table = table.filter { !$0.key.hasPrefix(text(folder) + "/") }
        case .makeFolder: break
        }
        return table
    }
}

@Suite("A time in a name")
struct TimeStampTests {
    @Test(
        "is the Gregorian date in UTC",
        arguments: [
            (0, "19700101T000000Z"), (951_782_399, "20000228T235959Z"), (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"), (1_709_164_800, "20240229T000000Z"), (1_764_472_500, "20251130T031500Z"),
            (4_107_542_400, "21000301T000000Z"), (-1, "19700101T000000Z"),
        ])
    func text(seconds: Int, text: String) { #expect(TimeStamp.text(seconds: seconds) == text) }
}
