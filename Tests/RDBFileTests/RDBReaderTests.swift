import RDBFile
import ReplicaPlanning
import Testing

/// What no small file of a real server shows.
@Suite("The reader of RDB files")
struct RDBReaderTests {
    private func read(_ file: WrittenFile, pieces: Int = .max) throws -> Contents {
        let contents = Contents()
        try contents.read(file.whole(), pieces: pieces)
        return contents
    }

    private func refusal(_ file: WrittenFile) -> RDBFileError? {
        do throws(RDBFileError) {
            try Contents().read(file.whole())
            return nil
        } catch {
            return error
        }
    }

    @Test("expands a long string piece by piece, with copies that overlap and reach back as far as there are")
    func longCompressed() throws {
        // 32 literal bytes, then copies: of the last byte; of all 32; from 8192 before.
        var expected = (0..<32).map { UInt8($0 + 48) }
        var steps: [UInt8] = [31] + expected
        func copy(_ count: Int, from distance: Int) {
            let (high, low) = (UInt8((distance - 1) >> 8), UInt8(truncatingIfNeeded: distance - 1))
            steps += count - 2 < 7 ? [UInt8(count - 2) << 5 | high, low] : [0xE0 | high, UInt8(count - 9), low]
            for _ in 0..<count { expected.append(expected[expected.count - distance]) }
        }
        copy(200, from: 1)
        for _ in 0..<1000 { copy(264, from: 32) }
        for index in 0..<1000 { copy(3 + index % 200, from: 8192 - index) }
        var file = WrittenFile()
        file.key(0, "k", WrittenFile.compressed(steps, whole: expected.count))
        let text = "string: " + String(decoding: expected, as: UTF8.self)
        #expect(try read(file).lines["0 k"] == text)
        #expect(try read(file, pieces: 5).lines["0 k"] == text)
    }

    @Test(
        "refuses a compressed string that is not what it says",
        arguments: [
            ([0, 65], 2, "shorter"), ([0, 65], 0, "longer"), ([1, 65], 2, "longer"),
            ([0x20, 0], 3, "before its beginning"),
            ([0, 65, 0x20, 1], 4, "before its beginning"), ([0, 65, 0x20], 4, "ends within a step"),
            ([0, 65, 0x20, 0], 3, "longer"), ([0, 65, 0xE0], 9, "ends within a step"),
        ] as [([UInt8], Int, String)])
    func badCompressed(steps: [UInt8], whole: Int, words: String) {
        var file = WrittenFile()
        file.key(0, "k", WrittenFile.compressed(steps, whole: whole))
        #expect(refusal(file)?.description.contains(words) ?? false)
    }

    @Test("makes no room for what a length announces and the file does not have")
    func hugeLengths() {
        for kind: UInt8 in [0, 1, 2, 3, 4, 5, 10, 11, 13, 14, 15, 16, 17, 18, 20, 21, 24] {
            for length in [UInt64(8 << 20), 1 << 40, .max - 1, .max] {
                var file = WrittenFile(magic: "REDIS0012")
                // In front of 24 stands a time.
                let time = [UInt8](repeating: 0, count: kind == 24 ? 8 : 0)
                file.key(kind, "k", time + WrittenFile.length(length))
                let reason = refusal(file)?.reason
                #expect(reason != nil && reason != .checksum, "\(kind) \(length)")
            }
        }
        var file = WrittenFile()
        file.key(0, "k", WrittenFile.compressed([0, 65], whole: 1 << 50))
        #expect(refusal(file)?.description.contains("shorter") ?? false)
    }

    @Test("passes over a part that is larger than its bound, and goes on behind it")
    func tooLarge() throws {
        let large = [UInt8](repeating: 65, count: RDBReader.maximumPartBytes + 1)
        var file = WrittenFile()
        file.key(4, "hash", WrittenFile.length(2) + WrittenFile.text("f") + WrittenFile.text(large))
        file.add(WrittenFile.text("g") + WrittenFile.text("v"))
        file.key(13, "packed", WrittenFile.text(large))
        file.key(0, "string", WrittenFile.text(large))
        file.key(5, "zset", WrittenFile.length(1) + WrittenFile.text(large) + [UInt8](repeating: 0, count: 8))
        file.add([0] + WrittenFile.text(large) + WrittenFile.text("value"))
        let contents = try read(file)
        #expect(contents.lines["0 hash"] == "hash: g=v too large")
        #expect(contents.lines["0 packed"] == "hash: too large" && contents.lines["0 zset"] == "zset: too large")
        #expect(contents.lines["0 string"] == "string: " + String(decoding: large, as: UTF8.self))
        // A name is cut.
        #expect(contents.lines["0 " + String(repeating: "A", count: 1024)] == "string: value")
    }

    @Test("reads what only servers before 6.0 wrote")
    func oldForms() throws {
        var file = WrittenFile(magic: "REDIS0006")
        file.add([0xFD, 1, 0, 0, 0])
        file.key(1, "list", WrittenFile.length(2) + WrittenFile.text("a") + [0xC0, 0xFE])
        let score = Array("1.5".utf8)
        file.key(
            3, "zset",
            WrittenFile.length(4) + WrittenFile.text("a") + [3] + score + WrittenFile.text("b") + [254]
                + WrittenFile.text("c") + [255] + WrittenFile.text("d") + [253])
        let contents = try read(file)
        #expect(contents.lines["0 list"] == "list expires 1000: a -2")
        #expect(contents.lines["0 zset"] == "zset: a:1.5 b:inf c:-inf d:nan")
    }

    @Test("takes a file without a checksum, and says so")
    func noChecksum() throws {
        var file = WrittenFile()
        file.key(0, "k", WrittenFile.text("v"))
        let contents = Contents()
        try contents.read(file.whole(checksum: 0))
        #expect(contents.summary?.hasChecksum == false)
    }

    @Test("passes over what is no key: databases' sizes, slots, idle times, functions, modules' own data")
    func between() throws {
        var file = WrittenFile(magic: "REDIS0012")
        file.add([0xFE, 7, 0xFB, 1, 0, 0xF4, 1, 2, 3, 0xF5] + WrittenFile.text("#!lua"))
        // A module: its number, when, and one part of each kind.
        file.add([0xF7] + WrittenFile.length(77) + [2, 1, 1, 5, 2, 5, 3, 1, 2, 3, 4, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5])
        file.add(WrittenFile.text("part") + [0])
        file.add([0xF8, 9, 0xFC, 1, 0, 0, 0, 0, 0, 0, 0])
        file.key(0, "k", WrittenFile.text("v"))
        file.add([0xF9, 200])
        file.key(7, "m", WrittenFile.length(0x1234_5678_9ABC_DEF0) + [5] + WrittenFile.text("part") + [0])
        let contents = try read(file)
        #expect(contents.lines["7 k"] == "string expires 1: v")
        #expect(contents.lines["7 m"]?.contains(": ") ?? false && contents.lines.count == 2)
    }

    @Test(
        "names the place and the fault",
        arguments: [
            ("SOMETHING ELSE", "is no RDB file"), ("REDIS0004", "RDB version 4"),
            ("VALKEY011", "Valkey's RDB version 11"),
            ("REDISabcd", "is no RDB file"),
        ])
    func foreign(magic: String, words: String) {
        #expect(refusal(WrittenFile(magic: magic))?.description.contains(words) ?? false)
    }

    @Test("refuses kinds of data that it does not know, and says where the file may be newer")
    func unknownKinds() {
        for (magic, kind, isNewer) in [
            ("REDIS0012", 26, false), ("REDIS0014", 26, true), ("VALKEY080", 23, false), ("VALKEY081", 23, true),
            ("REDIS0011", 8, false), ("REDIS0011", 9, false), ("REDIS0010", 6, false), ("REDIS0012", 0xF3, false),
        ] as [(String, UInt8, Bool)] {
            var file = WrittenFile(magic: magic)
            file.key(kind, "k", WrittenFile.text("v"))
            #expect(refusal(file) == RDBFileError(.unknownKind(kind, isNewer: isNewer), at: 9))
        }
    }

    @Test("refuses a time of expiry without a key")
    func expiryWithoutKey() {
        var file = WrittenFile()
        file.add([0xFC, 1, 0, 0, 0, 0, 0, 0, 0, 0xFE, 1])
        #expect(refusal(file)?.description.contains("no key follows") ?? false)
    }

    @Test("says why its source has no bytes")
    func source() {
        var reader = RDBReader { _ throws(RDBSourceError) in throw RDBSourceError("Input/output error") }
        let error = #expect(throws: RDBFileError.self) { try reader.read(Contents()) }
        #expect(error?.description == "cannot be read at byte 0: Input/output error")
    }
}
