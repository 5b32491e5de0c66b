import ReplicaPlanning
import Testing

private func checksum(_ bytes: [UInt8]) -> UInt64 {
    var sum = RDBChecksum()
    sum.take(bytes.span.bytes)
    return sum.value
}

private func littleEndian(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

/// Bytes with a right checksum behind them.
private func sealed(_ body: [UInt8]) -> [UInt8] { body + littleEndian(checksum(body)) }

@Suite("The checksum of an RDB")
struct RDBChecksumTests {
    @Test("has the check value of its polynomial")
    func checkValue() {
        #expect(checksum(bytes("123456789")) == 0xE9C6_D914_C4B8_D9CA)
        #expect(checksum([]) == 0)
        // redis/redis src/crc64.c, crc64Test
        let text = """
            This is a test of the emergency broadcast system. Do not pay attention to it.
            """
        #expect(checksum(bytes(text)) == bitByBit(bytes(text)))
    }

    /// As the definition has it, a bit a step.
    private func bitByBit(_ bytes: [UInt8]) -> UInt64 {
        var value: UInt64 = 0
        for byte in bytes {
            value ^= UInt64(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x95AC_9329_AC4B_C9B5 : value >> 1 }
        }
        return value
    }

    @Test("is the same however the bytes are split, and wherever they lie")
    func splits() {
        var generator = SystemRandomNumberGenerator()
        let all = (0..<131).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let expected = bitByBit(all)
        for first in 0...all.count {
            for second in stride(from: first, through: all.count, by: 13) {
                var sum = RDBChecksum()
                let span = all.span.bytes
                sum.take(span.extracting(0..<first))
                sum.take(span.extracting(first..<second))
                sum.take(span.extracting(second..<all.count))
                #expect(sum.value == expected, "\(first), \(second)")
            }
        }
    }
}

@Suite("An RDB on its way")
struct RDBTransferTests {
    private static let mark = bytes("0123456789abcdef0123456789ABCDEFfedcba98")
    private let body = bytes("REDIS0011") + (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) } + [0xFF]

    /// What the owner of a buffer does with what comes.
    ///
    /// - Returns: the file, and how many bytes were left over.
    private func receive(
        _ transfer: inout RDBTransfer, _ stream: [UInt8], chunks: () -> Int, capacity: Int = 1 << 20
    ) throws -> (file: [UInt8], unread: Int) {
        var file: [UInt8] = []
        var buffer: [UInt8] = []
        var position = 0
        while !transfer.isOver, position < stream.count {
            let room = transfer.room(capacity - buffer.count, pending: buffer.count)
            let count = min(max(chunks(), 1), room, stream.count - position)
            try #require(count > 0, "a buffer that never empties")
            buffer += stream[position..<position + count]
            position += count
            let taken = try transfer.take(buffer.span.bytes)
            file += buffer.prefix(taken)
            buffer.removeFirst(taken)
        }
        return (file, stream.count - position)
    }

    private func announced(_ line: String) throws -> RDBTransfer {
        var transfer = RDBTransfer()
        #expect(try transfer.announce([]) == .nothing, "the replica is still at it")
        _ = try transfer.announce(bytes(line))
        return transfer
    }

    /// Both forms of the same RDB: what is announced, what comes, and what of it is no RDB.
    private func forms(_ rdb: [UInt8]) -> [(line: String, stream: [UInt8])] {
        [("$\(rdb.count)", rdb), ("$EOF:" + text(Self.mark), rdb + Self.mark)]
    }

    @Test("is taken whole in either form, however it is cut")
    func whole() throws {
        var generator = SystemRandomNumberGenerator()
        let rdb = sealed(body)
        for (line, stream) in forms(rdb) {
            for size in Array(1...stream.count) {
                var transfer = try announced(line)
                let received = try receive(&transfer, stream, chunks: { size })
                #expect(transfer.isOver && received.file == rdb && transfer.takenBytes == rdb.count, "\(size)")
                #expect(transfer.hasChecksum)
            }
            for _ in 0..<500 {
                var transfer = try announced(line)
                let received = try receive(
                    &transfer, stream, chunks: { Int.random(in: 1...40, using: &generator) }, capacity: 64)
                #expect(transfer.isOver && received.file == rdb)
            }
        }
    }

    @Test("of a known length is not read past its end: what follows are commands")
    func length() throws {
        let rdb = sealed(body)
        for size in [1, 7, 48, 1000] {
            var transfer = try announced("$\(rdb.count)")
            let received = try receive(&transfer, rdb + bytes("*1\r\n$4\r\nPING\r\n"), chunks: { size })
            #expect(transfer.isOver && received.file == rdb && received.unread == 14)
        }
    }

    @Test("is not over before its last byte")
    func truncated() throws {
        let rdb = sealed(body)
        for (line, stream) in forms(rdb) {
            for end in 0..<stream.count {
                var transfer = try announced(line)
                let received = try receive(&transfer, Array(stream.prefix(end)), chunks: { 17 })
                #expect(!transfer.isOver, "\(end) bytes of \(line)")
                #expect(rdb.starts(with: received.file), "no byte of the mark is the file's")
            }
        }
    }

    @Test("may hold the beginning of its mark, and the mark's bytes but for the last")
    func markInside() throws {
        for (first, second) in [(0, 39), (20, 39), (39, 39), (0, 1)] {
            let rdb = sealed(body + Self.mark.prefix(first) + Self.mark.prefix(second))
            for size in 1...rdb.count {
                var transfer = try announced("$EOF:" + text(Self.mark))
                let received = try receive(&transfer, rdb + Self.mark, chunks: { size })
                #expect(transfer.isOver && received.file == rdb, "\(size)")
            }
        }
        // The whole mark among the data, in the middle of what is read.
        let rdb = sealed(body + Self.mark + bytes("more"))
        var transfer = try announced("$EOF:" + text(Self.mark))
        let received = try receive(&transfer, rdb + Self.mark, chunks: { 1 << 20 })
        #expect(transfer.isOver && received.file == rdb)
    }

    @Test("cut right behind the mark among its data is refused, not taken for whole")
    func markAtACut() throws {
        let rdb = sealed(body + Self.mark + bytes("more"))
        var transfer = try announced("$EOF:" + text(Self.mark))
        let end = body.count + Self.mark.count
        #expect(throws: ReseedFailure.self) { _ = try receive(&transfer, rdb + Self.mark, chunks: { end }) }
    }

    @Test("is refused if one bit of it is wrong, and taken without a checksum where the replica makes none")
    func damaged() throws {
        let rdb = sealed(body)
        for index in rdb.indices {
            var wrong = rdb
            wrong[index] ^= 1 << UInt8(index % 8)
            for (line, stream) in forms(wrong) {
                var transfer = try announced(line)
                #expect(
                    throws: ReseedFailure.transfer("the replica's RDB arrived damaged: its checksum does not match")
                ) {
                    _ = try receive(&transfer, stream, chunks: { 64 })
                }
            }
        }
        let unsealed = body + [UInt8](repeating: 0, count: 8)
        for (line, stream) in forms(unsealed) {
            var transfer = try announced(line)
            let received = try receive(&transfer, stream, chunks: { 64 })
            #expect(transfer.isOver && received.file == unsealed && !transfer.hasChecksum)
        }
    }

    @Test("is announced by a length or a mark; anything else is refused in words")
    func announcements() throws {
        var transfer = RDBTransfer()
        #expect(try transfer.announce(bytes("$9")) == .begins(bytes: 9))
        #expect(transfer.announcedBytes == 9)
        #expect(try transfer.announce(bytes("$20000000000")) == .begins(bytes: 20_000_000_000))
        #expect(try transfer.announce(bytes("$EOF:" + text(Self.mark))) == .begins(bytes: nil))
        for line in [
            "$", "$0", "$8", "$-1", "$+100", "$ 100", "$1e3", "$99999999999999999999", "$EOF:", "$EOF:short",
            "$EOF:" + text(Self.mark) + "x", "$eof:" + text(Self.mark), "+FULLRESYNC id 1", "-NOMASTERLINK link",
            "-LOADING", "-ERR unknown command", "*1", ":1", "REDIS0011", "\u{0}\u{0}", " $100",
        ] {
            var transfer = RDBTransfer()
            do throws(ReseedFailure) {
                let announcement = try transfer.announce(bytes(line))
                Issue.record("\(line) is taken for \(announcement)")
            } catch {
                guard case .transfer(let words) = error else {
                    Issue.record("\(line): \(error)")
                    continue
                }
                #expect(words.contains("SYNC") && words.allSatisfy { $0 >= " " }, "one line: \(words)")
            }
        }
        do throws(ReseedFailure) {
            _ = try transfer.announce(bytes("-NOPERM this user has no permissions to run the 'sync' command"))
        } catch {
            #expect(error.reason.contains("grant it +sync"), "\(error.reason)")
        }
    }
}
