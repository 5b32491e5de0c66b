import RedisConf
import ReplicaPlanning
import Testing

/// A data folder as a table: path → bytes. What is longer than its bytes says so.
struct TableData: DataFiles {
    var table: [String: [UInt8]]
    var sizes: [String: Int] = [:]

    func size(ofFile path: [UInt8]) -> Int? { sizes[text(path)] ?? table[text(path)]?.count }

    func names(inFolder path: [UInt8]) -> [[UInt8]] {
        let beginning = text(path) + "/"
        let names = Set(
            table.keys.filter { $0.hasPrefix(beginning) }.map { name in
                String(name.dropFirst(beginning.count).prefix { $0 != "/" })
            })
        return names.map { bytes($0) }
    }

    func prefix(ofFile path: [UInt8], count: Int) throws(FileProblem) -> [UInt8] {
        guard let found = table[text(path)] else { throw .missing }
        if found == bytes("denied") { throw .denied }
        return Array(found.prefix(count))
    }
}

enum RDB {
    static func string(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + bytes(text) }
    static func auxiliary(_ name: String, _ value: [UInt8]) -> [UInt8] { [0xFA] + string(name) + value }
    static let id = "c29d1cdb26ed1a5c5266913d861394744a47049d"
    static let checksum: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

    /// As 7.0 writes it: 32-bit and 8-bit integers among the AUX fields.
    static let head =
        bytes("REDIS0010") + auxiliary("redis-ver", string("7.0.15")) + auxiliary("redis-bits", [0xC0, 0x40])
        + auxiliary("ctime", [0xC2, 1, 2, 3, 4])
    static let history =
        auxiliary("repl-stream-db", [0xC0, 0]) + auxiliary("repl-id", string(id))
        + auxiliary("repl-offset", string("4321"))
    static let keys: [UInt8] = [0xFE, 0, 0xFB, 1, 0, 0] + string("k") + string("v")
    static let empty = head + [0xFF] + checksum
    static let full = head + history + keys + [0xFF] + checksum
}

@Suite("The beginning of an RDB")
struct RDBHeaderTests {
    @Test("tells whose history it is, how far it goes and whether a key follows")
    func full() throws {
        let header = try #require(RDBHeader(RDB.full))
        #expect(header.hasKeys)
        #expect(header.replicationID == RDB.id)
        #expect(header.replicationOffset == 4321)
        #expect(header.firstDatabase == .init(number: 0, keys: 1))
        #expect(header.createdSeconds == 0x0403_0201)
        let third = RDB.head + [0xFE, 2, 0xFB, 0x80, 0, 1, 0, 0, 0]
        #expect(RDBHeader(third)?.firstDatabase == .init(number: 2, keys: 65536))
        for end in (RDB.head.count + 1)..<third.count {
            #expect(RDBHeader(Array(third.prefix(end)))?.hasKeys == true, "cut off at \(end)")
        }
    }

    @Test("of a server without keys ends after the AUX fields, and says where")
    func empty() throws {
        let header = try #require(RDBHeader(RDB.empty))
        #expect(!header.hasKeys)
        #expect(header.length == RDB.empty.count)
        #expect(header.replicationID == nil)
    }

    @Test("may give the offset as any integer, hold functions, and be Valkey's")
    func forms() throws {
        for (encoded, number) in [([0xC0, 0x7F], 127), ([0xC1, 0x00, 0x10], 4096), ([0xC2, 0, 0, 0, 0x40], 1 << 30)]
            as [([UInt8], Int64)]
        {
            let header = RDBHeader(bytes("VALKEY080") + RDB.auxiliary("repl-offset", encoded) + [0xFF])
            #expect(header?.replicationOffset == number)
        }
        #expect(RDBHeader(RDB.head + [0xF5] + RDB.string("#!lua name=l") + [0xFF])?.hasKeys == false)
        #expect(
            RDBHeader(RDB.head + [0xFA, 3] + bytes("abc") + [0xC3, 2, 5, 0, 0, 0xFF])?.hasKeys == false, "compressed")
    }

    @Test("is not taken for one where it breaks off or is something else")
    func broken() {
        for end in 0..<(RDB.head.count + RDB.history.count) {
            #expect(RDBHeader(Array(RDB.full.prefix(end))) == nil, "\(end) bytes")
        }
        for other in [
            "", "REDIS", "REDIS00x1\u{FA}", "*2\r\n$6\r\nSELECT\r\n", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        ] {
            #expect(RDBHeader(bytes(other)) == nil)
        }
        #expect(
            RDBHeader(RDB.head + [0xFA, 0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]) == nil, "absurd length")
    }

    @Test("random bytes behind the magic are read or refused, never a trap")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let tail = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                [0xFA, 0xFF, 0xF5, 0xFE, 0xC0, 0xC3, 0x80, 0x81, 3, 0, UInt8.random(in: 0...255)].randomElement()!
            }
            _ = RDBHeader(bytes("REDIS0011") + tail)
        }
    }
}

@Suite("What a master will load")
struct MasterDataTests {
    private func data(
        _ table: [String: [UInt8]], appendOnly: Bool = false, sizes: [String: Int] = [:]
    ) -> MasterData {
        var settings = DataSettings(folder: bytes("/data"))
        settings.isAppendOnly = appendOnly
        return MasterData(settings, files: TableData(table: table, sizes: sizes))
    }

    private func isEmpty(_ data: MasterData) -> Bool {
        if case .empty(let reason) = data { return !reason.isEmpty }
        return false
    }

    @Test("without append-only file is its RDB")
    func rdb() {
        #expect(isEmpty(data([:])))
        #expect(isEmpty(data(["/data/lost+found/x": [1]])))
        #expect(isEmpty(data(["/data/dump.rdb": RDB.empty])))
        #expect(
            data(["/data/dump.rdb": RDB.full])
                == .snapshot(path: bytes("/data/dump.rdb"), replicationID: RDB.id, offset: 4321))
        #expect(data(["/data/dump.rdb": RDB.head + RDB.keys]) == .undated(path: bytes("/data/dump.rdb")))
        for damaged in [bytes("garbage"), [], Array(RDB.full.prefix(20))] {
            guard case .damaged(bytes("/data/dump.rdb"), _) = data(["/data/dump.rdb": damaged]) else {
                Issue.record("\(damaged)")
                continue
            }
        }
        #expect(data(["/data/dump.rdb": bytes("denied")]) == .unreadable(path: bytes("/data/dump.rdb"), .denied))
    }

    @Test("with a new append-only file is nothing, even beside an RDB")
    func newAppendOnly() {
        #expect(isEmpty(data([:], appendOnly: true)))
        #expect(isEmpty(data(["/data/dump.rdb": RDB.empty], appendOnly: true)))
        let new = data(["/data/dump.rdb": RDB.full], appendOnly: true)
        guard case .unlisted([bytes("/data/dump.rdb")], let reason) = new else {
            Issue.record("\(new)")
            return
        }
        #expect(reason.contains("/data/dump.rdb is not loaded with appendonly yes"))
    }

    /// What lies in the folder, whether `appendonly` is on, and the files that a start would leave aside.
    private static let stranded: [([String: [UInt8]], Bool, [String])] = [
        (["dump.rdb": RDB.full], false, []),
        (["other.rdb": RDB.full], false, ["other.rdb"]),
        (["other.rdb": RDB.empty], false, []),
        (["appendonly.aof": bytes("*1")], false, ["appendonly.aof"]),
        (["appendonlydir/appendonly.aof.1.incr.aof": bytes("*1")], false, ["appendonlydir/appendonly.aof.1.incr.aof"]),
        // Switched off long ago; redis-server loads its RDB, which holds nothing.
        (["dump.rdb": RDB.empty, "appendonlydir/appendonly.aof.1.incr.aof": bytes("*1")], false, []),
        (["appendonlydir/appendonly.aof.1.incr.aof": bytes("*1")], true, ["appendonlydir/appendonly.aof.1.incr.aof"]),
        (["appendonlydir/appendonly.aof.1.incr.aof": []], true, []),
        (
            [
                "appendonlydir/appendonly.aof.3.base.rdb": RDB.full,
                "appendonlydir/appendonly.aof.3.incr.aof": bytes("*1"),
            ],
            true, ["appendonlydir/appendonly.aof.3.base.rdb", "appendonlydir/appendonly.aof.3.incr.aof"]
        ),
        (["appendonlydir/other.aof.1.incr.aof": bytes("*1")], true, ["appendonlydir/other.aof.1.incr.aof"]),
        (["other.aof": bytes("*1")], true, ["other.aof"]),
        (["temp-17.rdb": RDB.full, "users.acl": bytes("user"), "lost+found/x": [1]], true, []),
        (["before/appendonly.aof.1.incr.aof": bytes("*1")], true, []),
        (["redis-replica-init.aside.T/dump.rdb": RDB.full, "redis-replica-init.copy.rdb": RDB.full], true, []),
        (
            [
                "appendonlydir/appendonly.aof.manifest": bytes("file appendonly.aof.2.incr.aof seq 2 type i\n"),
                "appendonlydir/appendonly.aof.2.incr.aof": [], "appendonlydir/appendonly.aof.1.incr.aof": bytes("*1"),
                "dump.rdb": RDB.full,
            ], true, ["appendonlydir/appendonly.aof.1.incr.aof"]
        ),
        // On its way out: redis-server removes it.
        (
            [
                "appendonlydir/appendonly.aof.manifest": bytes(
                    "file appendonly.aof.1.incr.aof seq 1 type h\nfile appendonly.aof.2.incr.aof seq 2 type i\n"),
                "appendonlydir/appendonly.aof.2.incr.aof": [], "appendonlydir/appendonly.aof.1.incr.aof": bytes("*1"),
            ], true, []
        ),
    ]

    @Test("is empty only where no file of the folder holds data that it would write over", arguments: stranded.indices)
    func strandedFiles(index: Int) {
        let (files, appendOnly, expected) = Self.stranded[index]
        let table = Dictionary(uniqueKeysWithValues: files.map { ("/data/\($0)", $1) })
        switch data(table, appendOnly: appendOnly) {
        case .unlisted(let stranded, _): #expect(stranded.map(text) == expected.map { "/data/\($0)" })
        case .empty, .snapshot: #expect(expected == [])
        case let other: Issue.record("\(other)")
        }
    }

    @Test("is the single file where 7.0 was ended while it took it over")
    func upgradeCutOff() {
        var settings = DataSettings(folder: bytes("/data"))
        settings.isAppendOnly = true
        let files = TableData(table: [
            "/data/appendonlydir/appendonly.aof.manifest": bytes("file appendonly.aof seq 1 type b\n"),
            "/data/appendonly.aof": bytes("*1"), "/data/appendonlydir/appendonly.aof.1.incr.aof": bytes("*1"),
        ])
        #expect(MasterData(settings, files: files) == .undated(path: bytes("/data/appendonly.aof")))
        #expect(settings.loadedFiles(files) == [bytes("/data/appendonly.aof")])
        #expect(settings.filesTakenOver(files) == [bytes("appendonlydir/appendonly.aof.1.incr.aof")])
    }

    @Test("on a server before 7.0 is the single file, regardless of what another version left in its folder")
    func singleForm() {
        var settings = DataSettings(folder: bytes("/data"))
        settings.isAppendOnly = true
        settings.form = .single
        let folder = [
            "/data/appendonlydir/appendonly.aof.manifest": bytes("file appendonly.aof.1.incr.aof seq 1 type i\n"),
            "/data/appendonlydir/appendonly.aof.1.incr.aof": bytes("*1"),
        ]
        guard case .unlisted = MasterData(settings, files: TableData(table: folder)) else {
            Issue.record("it would start empty")
            return
        }
        let both = folder.merging(["/data/appendonly.aof": bytes("*1")]) { $1 }
        #expect(MasterData(settings, files: TableData(table: both)) == .undated(path: bytes("/data/appendonly.aof")))
    }

    @Test("with the single file of 6.x is that file, RDB preamble or not")
    func singleFile() {
        let path = "/data/appendonly.aof"
        #expect(isEmpty(data([path: []], appendOnly: true)))
        #expect(isEmpty(data([path: RDB.empty], appendOnly: true)))
        for file in [RDB.full, RDB.empty + bytes("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"), bytes("*3\r\n$3\r\nSET\r\n")] {
            #expect(data([path: file], appendOnly: true) == .undated(path: bytes(path)))
        }
    }

    @Test("with the files of 7.0 is what the manifest lists, history left out")
    func manifest() {
        let folder = "/data/appendonlydir/appendonly.aof"
        let manifest = """
            file appendonly.aof.2.base.rdb seq 2 type b
            file appendonly.aof.1.incr.aof seq 1 type h
            file "appendonly.aof.2.incr.aof" seq 2 type i

            """
        var table: [String: [UInt8]] = [
            folder + ".manifest": bytes(manifest), folder + ".2.base.rdb": RDB.empty, folder + ".2.incr.aof": [],
        ]
        #expect(isEmpty(data(table, appendOnly: true)))
        #expect(
            data(table, appendOnly: true, sizes: [folder + ".2.incr.aof": 1 << 40]) != data(table, appendOnly: true))
        table[folder + ".2.incr.aof"] = bytes("*1\r\n")
        #expect(data(table, appendOnly: true) == .undated(path: bytes(folder + ".2.incr.aof")))
        table[folder + ".2.base.rdb"] = nil
        guard case .damaged(bytes(folder + ".2.base.rdb"), _) = data(table, appendOnly: true) else {
            Issue.record("redis-server refuses a set of which a file is missing")
            return
        }
    }

    @Test(
        "is damaged where redis-server refuses the manifest",
        arguments: [
            "", "file x\n", "\n", "file a.aof seq 1 type b", "file a.aof seq 1 type b\n\n", "file a.aof seq 0 type b\n",
            "file a.aof seq x type b\n", "file a.aof seq 1 type z\n", "file b/a.aof seq 1 type b\n", "seq 1 type b\n",
            "file a.aof seq 1 type\n", "file \"a.aof seq 1 type b\n",
            "file a.aof seq 1 type b\nfile b.aof seq 2 type b\n", "file a.aof seq 2 type i\nfile b.aof seq 2 type i\n",
            "file a.aof seq 2 type i\nfile b.aof seq 1 type i\n", "\u{0}\u{0}\u{0}\n",
        ])
    func refusedManifest(manifest: String) {
        let folder = "/data/appendonlydir/"
        let table = [
            folder + "appendonly.aof.manifest": bytes(manifest), folder + "a.aof": [1], folder + "b.aof": [1],
        ]
        guard case .damaged(bytes(folder + "appendonly.aof.manifest"), let reason) = data(table, appendOnly: true)
        else {
            Issue.record("\(data(table, appendOnly: true))")
            return
        }
        #expect(!reason.isEmpty)
    }
}
