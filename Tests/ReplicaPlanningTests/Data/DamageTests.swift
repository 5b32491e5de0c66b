import RedisConf
import ReplicaPlanning
import Testing

@Suite("The end of an RDB")
struct RDBEndSearchTests {
    /// Gives the bytes in parts of this size, what was left included.
    private func end(_ file: [UInt8], parts: Int) -> Int? {
        var search = RDBEndSearch()
        var pending: [UInt8] = []
        var rest = file[...]
        repeat {
            pending += rest.prefix(parts)
            rest = rest.dropFirst(parts)
            let done = search.take(pending.span.bytes, isLast: rest.isEmpty)
            if let end = search.end { return end }
            pending.removeFirst(done)
        } while !rest.isEmpty
        return nil
    }

    private static let body = RDB.head + RDB.history + RDB.keys + [0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xFF]

    private static func checked(_ body: [UInt8]) -> [UInt8] {
        var checksum = RDBChecksum()
        checksum.take(body.span.bytes)
        return body + withUnsafeBytes(of: checksum.value.littleEndian) { Array($0) }
    }

    @Test("is found by its checksum, at the file's end or before commands, in any parts")
    func found() {
        let file = Self.checked(Self.body)
        for tail in ["", "*1\r\n$4\r\nPING\r\n", "x"] {
            for parts in [1, 2, 7, 8, 9, 10, 64, 4096] {
                #expect(end(file + bytes(tail), parts: parts) == file.count, "\(parts) \(tail)")
            }
        }
    }

    @Test("is not there where a byte is missing, or another one")
    func damaged() {
        let file = Self.checked(Self.body)
        for count in 0..<file.count { #expect(end(Array(file.prefix(count)), parts: 64) == nil, "\(count) bytes") }
        for index in file.indices {
            var other = file
            other[index] ^= 0x10
            #expect(end(other, parts: 64) == nil, "byte \(index)")
            #expect(end(other + bytes("*1\r\n"), parts: 64) == nil, "byte \(index)")
        }
    }

    @Test("without a checksum is taken where the file ends, or commands begin")
    func withoutChecksum() {
        let file = Array(Self.body.dropLast()) + [0xFF] + [UInt8](repeating: 0, count: 8)
        for tail in ["", "*1\r\n", "#TS:1\r\n"] {
            for parts in [1, 9, 64] { #expect(end(file + bytes(tail), parts: parts) == file.count) }
        }
        #expect(end(file + bytes("x"), parts: 64) == nil)
    }
}

@Suite("The commands of an append-only file")
struct CommandScanTests {
    private func scan(_ file: [UInt8], parts: Int) -> CommandScan {
        var scan = CommandScan()
        var rest = file[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(parts))
            rest = rest.dropFirst(parts)
            scan.take(part.span.bytes)
        }
        return scan
    }

    private static let select = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
    private static let set = "*3\r\n$3\r\nSET\r\n$4\r\n*1\r\n\r\n$0\r\n\r\n"
    private static let file = bytes("#TS:1700000000\r\n" + select + set + "#TS:1\r\n" + set)

    @Test("are whole, with any bytes in their arguments, in any parts")
    func whole() {
        for parts in [1, 2, 3, 5, 8, 4096] {
            let scan = scan(Self.file, parts: parts)
            #expect(scan.damage == nil && !scan.isIncomplete)
        }
        #expect(scan([], parts: 1) == CommandScan())
    }

    @Test("are incomplete where the file ends within one, and that is no damage yet")
    func incomplete() {
        var ends: Set<Int> = [0]
        var length = 0
        for part in ["#TS:1700000000\r\n", Self.select, Self.set, "#TS:1\r\n", Self.set] {
            length += part.utf8.count
            ends.insert(length)
        }
        for count in 0...Self.file.count {
            let scan = scan(Array(Self.file.prefix(count)), parts: 7)
            #expect(scan.damage == nil, "\(count) bytes")
            #expect(scan.isIncomplete == !ends.contains(count), "\(count) bytes")
        }
    }

    @Test("are damaged where the beginning of a line is invalid, and the place is reported")
    func damaged() {
        let select = Self.select
        for (text, place) in [
            ("x", 0), ("\u{0}\u{0}\u{0}", 0), (select + "\u{0}", select.utf8.count),
            (select + "+OK\r\n", select.utf8.count),
            ("*0\r\n", 0), ("*-1\r\n", 0), ("*\r\n", 0), ("*x\r\n", 0), ("*1\r\nPING\r\n", 4), ("*1\r\n*1\r\n", 4),
            ("*1\r\n$-1\r\n", 4), (Self.set.replacing("$4", with: "$3"), 22),
            ("$1\r\n" + select, 0),
        ] {
            for parts in [1, 3, 4096] {
                #expect(scan(bytes(String(text)), parts: parts).damage == place, "\(text)")
            }
        }
    }

    @Test("of any bytes are scanned to their end, with the same result in any parts")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let file = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                Array("*$#0129-\r\n\n\n\u{0}x".utf8).randomElement()!
            }
            let whole = scan(file, parts: 4096)
            for parts in [1, 2, 5] { #expect(scan(file, parts: parts) == whole, "\(file)") }
        }
    }
}
