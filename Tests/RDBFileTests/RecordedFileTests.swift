import RDBFile
import ReplicaPlanning
import Testing

/// Files of real servers: each holds the same data, as each version writes them.
@Suite("An RDB file of a real server")
struct RecordedFileTests {
    private static let long = String(repeating: "x", count: 70)

    /// What `Recorded/` was made from.
    private static let expected: [String: String] = [
        "0 text": "string: hello", "0 int8": "string: -12", "0 int16": "string: -3000", "0 int32": "string: 1234567",
        "0 int64": "string: 9223372036854775807", "0 empty": "string: ",
        "0 compressed": "string: " + String(repeating: "abcdefgh", count: 20),
        "0 bin\\x0\\xff\\xd\\xa": "string: \\x0\\x1",
        "0 \\xd0\\xba\\xd0\\xbb\\xd1\\x8e\\xd1\\x87":
            "string: \\xd0\\xb7\\xd0\\xbd\\xd0\\xb0\\xd1\\x87\\xd0\\xb5\\xd0\\xbd\\xd0\\xb8\\xd0\\xb5",
        "0 expiring": "string expires 4102444800000: v",
        "0 list": "list: a b 1 -5000 70000 9999999999 -9000000000000 12 4095 -4096 \(long) 8388607 -129",
        "0 nodes": "list: 1 2 3 4 5",
        "0 intset16": "set: 1 2 300", "0 intset32": "set: -5 1 70000", "0 intset64": "set: 1 99999999999",
        "0 packedset": "set: 5 a b", "0 tableset": "set: 5 a " + String(repeating: "y", count: 70),
        "0 packedzset": "zset: a:1.0 b:2.5 c:-inf d:inf e:1e+300 f:0.1 g:-7.0",
        "0 tablezset": "zset: a:1.0 b:2.5 c:-inf d:inf",
        "0 packedhash": "hash: e= f=v n=5", "0 tablehash": "hash: e= f=v n=5",
        "0 stream": "stream: 1000-0(a,1,b,2) 1005-0(other,z) 2000-7(a,5,b,-6) length 3 last 2000-7 "
            + "group group1 2000-7 2 consumer consumer1 1 consumer consumer2 1 group group2 1005-0 0",
        "0 emptystream": "stream: length 0 last 5-5",
        "3 other": "string: db3",
    ]

    @Test("is read whole, with all that was written", arguments: RecordedFile.names)
    func contents(name: String) throws {
        let file = try RecordedFile(name)
        let contents = Contents()
        try contents.read(file.bytes)
        var expected = Self.expected
        let fields = file.hasFieldExpiry ? "hash: f1=v1@4102444800000 f2=v2" : "hash: f1=v1 f2=v2"
        expected["0 expiringhash"] = fields
        expected["0 expiringtable"] = fields
        if name == "redis-8.0" { expected["0 vectors"] = "vectorset: " }
        #expect(contents.lines == expected)
        let summary = try #require(contents.summary)
        #expect(summary.keys == expected.count && summary.hasChecksum && summary.bytes == file.bytes.count)
        #expect(summary.format.isValkey == (name == "valkey-9.1"))
        #expect(summary.auxiliary["redis-ver"] != nil || summary.auxiliary["valkey-ver"] != nil)
        // What is not of a key: the header, databases, functions, the end.
        #expect(contents.keyBytes > file.bytes.count / 2 && contents.keyBytes < file.bytes.count)
    }

    @Test("has the same keys where values are skipped", arguments: RecordedFile.names)
    func keysOnly(name: String) throws {
        let file = try RecordedFile(name)
        let (whole, keys) = (Contents(), Contents(wantsValues: false))
        try whole.read(file.bytes)
        try keys.read(file.bytes)
        #expect(Set(keys.lines.keys) == Set(whole.lines.keys) && keys.summary == whole.summary)
        #expect(keys.keyBytes == whole.keyBytes)
    }

    @Test("is read the same in pieces of any size", arguments: RecordedFile.names)
    func pieces(name: String) throws {
        let file = try RecordedFile(name)
        let whole = Contents()
        try whole.read(file.bytes)
        for size in [1, 2, 3, 7, 64, 1000] {
            let contents = Contents()
            try contents.read(file.bytes, pieces: size)
            #expect(contents.lines == whole.lines && contents.summary == whole.summary)
        }
    }

    @Test("that is cut anywhere is said to end too early", arguments: RecordedFile.names)
    func cut(name: String) throws {
        let file = try RecordedFile(name)
        for count in 0..<file.bytes.count {
            let error = #expect(throws: RDBFileError.self) { try Contents().read(Array(file.bytes.prefix(count))) }
            let isForeign = 1..<9 ~= count
            #expect(error == RDBFileError(isForeign ? .foreign : .ended, at: count), "cut to \(count)")
        }
    }

    @Test("with any byte changed is refused", arguments: RecordedFile.names)
    func flipped(name: String) throws {
        let file = try RecordedFile(name)
        for index in file.bytes.indices {
            for mask: UInt8 in [0x01, 0x80, 0xFF] {
                var bytes = file.bytes
                bytes[index] ^= mask
                let error = #expect(throws: RDBFileError.self) { try Contents().read(bytes) }
                #expect(error.map { $0.offset <= bytes.count && $0.reason != .stopped } ?? false, "\(index) \(mask)")
            }
        }
    }

    @Test("with more behind it is refused", arguments: RecordedFile.names)
    func longer(name: String) throws {
        let file = try RecordedFile(name)
        let error = #expect(throws: RDBFileError.self) { try Contents().read(file.bytes + [0]) }
        #expect(error?.reason == .damaged("more bytes follow the end of the data"))
    }

    @Test("is read no further than the visitor wants")
    func stopped() throws {
        let file = try RecordedFile("redis-8.0")
        let whole = Contents()
        try whole.read(file.bytes)
        for patience in 1...whole.calls {
            let contents = Contents(patience: patience)
            let error = #expect(throws: RDBFileError.self) { try contents.read(file.bytes) }
            #expect(error?.reason == .stopped && contents.calls == patience)
        }
    }
}
