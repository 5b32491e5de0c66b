import Failover
import FailoverAgent
import Glibc
import SeededRandomness
import Testing

@Suite("The position file")
struct StoredPositionTests {
    private static let old = position(term: 3, digit: "a", offset: 1000, .following)
    private static let new = position(term: 4, digit: "b", offset: 123_456_789_012, .leading)

    private static func position(
        term: UInt64, digit: Character, offset: Int64, _ state: StoredPosition.State
    ) -> StoredPosition {
        StoredPosition(
            position: DataPosition(term: term, history: String(repeating: digit, count: 40), offset: offset),
            run: String(repeating: "c", count: 40), state: state)
    }

    @Test("gives back what was written, for every state and the largest numbers")
    func roundTrip() throws {
        for state in StoredPosition.State.allCases {
            for (term, offset) in [(0, 0), (1, 1), (UInt64.max, Int64.max)] as [(UInt64, Int64)] {
                let position = Self.position(term: term, digit: "f", offset: offset, state)
                #expect(try StoredPosition(parsing: Array(position.text.utf8)) == position)
                #expect(position.text.utf8.count <= StoredPosition.maximumBytes)
            }
        }
    }

    @Test("is refused when it is cut off anywhere, or any byte of it is another one")
    func damage() throws {
        let bytes = Array(Self.new.text.utf8)
        for length in bytes.indices {
            #expect(throws: StoredPositionError.self, "\(length) bytes") {
                try StoredPosition(parsing: Array(bytes[..<length]))
            }
        }
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << bit
                #expect(throws: StoredPositionError.self, "byte \(index), bit \(bit)") {
                    try StoredPosition(parsing: damaged)
                }
            }
        }
        #expect(throws: StoredPositionError.damaged) { try StoredPosition(parsing: bytes + bytes) }
    }

    @Test("any bytes give a position or an error, and what gives a position is its only form")
    func anyBytes() {
        var random = SplitMix64(seed: 19)
        let good = Array(Self.new.text.utf8)
        for _ in 0..<20_000 {
            var bytes = random.next() % 2 == 0 ? good : []
            for _ in 0..<(random.next() % 6) {
                let position = Int(random.next() % UInt64(bytes.count + 1))
                switch random.next() % 3 {
                case 0: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
                case 1: if position < bytes.count { bytes.remove(at: position) }
                default: bytes.replaceSubrange(position..., with: good.suffix(Int(random.next() % 40)))
                }
            }
            if let position = try? StoredPosition(parsing: bytes) { #expect(Array(position.text.utf8) == bytes) }
        }
    }

    @Test("of a newer version, or of another program, is called so")
    func others() {
        #expect(throws: StoredPositionError.newerFormat) {
            try StoredPosition(parsing: Array("redis-replica-kit position 2\nterm 1\n".utf8))
        }
        #expect(throws: StoredPositionError.otherFile) { try StoredPosition(parsing: Array("REDIS0011".utf8)) }
        #expect(throws: StoredPositionError.otherFile) { try StoredPosition(parsing: []) }
    }

    private static func folder() throws -> String {
        var name = Array("/tmp/position-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&name) != nil)
        return String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func remove(_ folder: String) {
        for name in ["position", "position.new"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    @Test("a crash between any two steps of a write, or after any byte, leaves the old one or the new one")
    func crash() throws {
        let folder = try Self.folder()
        defer { Self.remove(folder) }
        let file = PositionFile("\(folder)/position")
        let steps = PositionFile.steps(Self.new)
        var outcomes: Set<UInt64> = []
        for count in 0...steps.count {
            var sequences = [Array(steps[..<count])]
            // In the middle of the last one.
            if case .write(let bytes)? = sequences[0].last {
                sequences += bytes.indices.map { sequences[0].dropLast() + [.write(Array(bytes[..<$0]))] }
            }
            for sequence in sequences {
                try file.write(Self.old)
                try file.perform(sequence)
                let found = try file.read()
                #expect(found == Self.old || found == Self.new, "\(sequence)")
                outcomes.insert(found?.position.term ?? 0)
                // The next write does not mind what was left.
                try file.write(Self.new)
                #expect(try file.read() == Self.new)
            }
        }
        #expect(outcomes == [3, 4])
        // The order is what makes it so: the file's own bytes are on the disk before its name is.
        let kinds = steps.map { if case .write = $0 { "write" } else { "\($0)" } }
        #expect(kinds == ["createTemporary", "write", "synchronise", "rename", "synchroniseFolder"])
    }

    /// Noted, not bounded: it is the disk's time.
    @Test("is written at the cost of two fsync calls")
    func cost() throws {
        let folder = try Self.folder()
        defer { Self.remove(folder) }
        let file = PositionFile("\(folder)/position")
        var times: [Duration] = []
        for offset in 0..<200 {
            let began = ContinuousClock.now
            try file.write(Self.position(term: 3, digit: "a", offset: Int64(offset), .following))
            times.append(ContinuousClock.now - began)
        }
        times.sort()
        print("position file: median \(times[100]), 99 of 100 within \(times[198])")
        #expect(try file.read()?.position.offset == 199)
        #expect(PositionFile.steps(Self.old).count { $0 == .synchronise || $0 == .synchroniseFolder } == 2)
    }

    @Test("that is not there is no error; one that cannot be read or written is, with its cure")
    func errors() throws {
        let folder = try Self.folder()
        defer { Self.remove(folder) }
        let file = PositionFile("\(folder)/position")
        #expect(try file.read() == nil)
        #expect(throws: PositionFileError.self) { try PositionFile("\(folder)/none/position").write(Self.old) }
        #expect(throws: PositionFileError.self) { try PositionFile(folder).read() }
        let descriptor = open("\(folder)/position", O_WRONLY | O_CREAT, 0o644)
        _ = Glibc.write(descriptor, "redis", 5)
        close(descriptor)
        let error = #expect(throws: PositionFileError.self) { try file.read() }
        #expect(error?.description.contains("\(folder)/position: it is no position file") == true)
    }
}
