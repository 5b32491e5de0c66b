import Testing

@testable import RDBFile

/// Packed elements of every kind, written here and read again.
@Suite("Packed elements")
struct PackedTests {
    private func elements(_ source: some PackedElements) throws -> [PackedElement] {
        var source = source
        var elements: [PackedElement] = []
        while let element = try source.next() { elements.append(element) }
        return elements
    }

    private func littleEndian(_ value: Int64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * Int64($0))) }
    }

    private func listpack(_ entries: [[UInt8]]) -> [UInt8] {
        let body = entries.flatMap { entry in
            entry + (entry.count < 128 ? [UInt8(entry.count)] : sizeBehind(entry.count))
        }
        return littleEndian(Int64(body.count + 7), 4) + littleEndian(Int64(entries.count), 2) + body + [0xFF]
    }

    private func sizeBehind(_ size: Int) -> [UInt8] {
        let count = size < 16_383 ? 2 : 3
        return (0..<count).map { UInt8(size >> (7 * (count - 1 - $0)) & 127) | ($0 == 0 ? 0 : 128) }
    }

    @Test("of a listpack are read in every encoding")
    func listpackKinds() throws {
        let (medium, large) = ([UInt8](repeating: 7, count: 3000), [UInt8](repeating: 8, count: 20_000))
        let bytes = listpack([
            [0x7F], [0x82, 65, 66], [0xC0 | 0x10, 0], [0xCF, 0xFF], [0xEB, 0xB8] + medium,
            [0xF0] + littleEndian(20_000, 4) + large, [0xF1] + littleEndian(-300, 2), [0xF2] + littleEndian(-70_000, 3),
            [0xF3] + littleEndian(-9_000_000, 4), [0xF4] + littleEndian(.min, 8), [0x80],
        ])
        #expect(
            try elements(try Listpack(bytes, offset: 0)) == [
                .integer(127), .text([65, 66]), .integer(-4096), .integer(4095), .text(medium), .text(large),
                .integer(-300), .integer(-70_000), .integer(-9_000_000), .integer(.min), .text([]),
            ])
    }

    @Test("of a ziplist are read in every encoding")
    func ziplistKinds() throws {
        let (medium, large) = ([UInt8](repeating: 7, count: 3000), [UInt8](repeating: 8, count: 20_000))
        let entries: [[UInt8]] = [
            [0x02, 65, 66], [0x4B, 0xB8] + medium, [0x80, 0, 0, 0x4E, 0x20] + large, [0xC0] + littleEndian(-300, 2),
            [0xD0] + littleEndian(-9_000_000, 4), [0xE0] + littleEndian(.min, 8), [0xF0] + littleEndian(-70_000, 3),
            [0xFE, 0x80], [0xF1], [0xFD], [0x00],
        ]
        var body: [UInt8] = []
        var before = 0
        for entry in entries {
            let size = before < 254 ? [UInt8(before)] : [0xFE] + littleEndian(Int64(before), 4)
            body += size + entry
            before = size.count + entry.count
        }
        let bytes =
            littleEndian(Int64(body.count + 11), 4) + littleEndian(10, 4) + littleEndian(Int64(entries.count), 2) + body
            + [0xFF]
        #expect(
            try elements(try Ziplist(bytes, offset: 0)) == [
                .text([65, 66]), .text(medium), .text(large), .integer(-300), .integer(-9_000_000), .integer(.min),
                .integer(-70_000), .integer(-128), .integer(0), .integer(12), .text([]),
            ])
    }

    @Test("with any byte changed give an error or as many bytes at the most")
    func damaged() throws {
        let sources: [[UInt8]] = [
            listpack([[0x7F], [0x82, 65, 66], [0xF1, 1, 2], [0x81, 9]]),
            littleEndian(21, 4) + littleEndian(14, 4) + littleEndian(2, 2)
                + [0, 2, 65, 66, 4, 3, 67, 68, 69, 0, 0xFF].prefix(10)
                + [0xFF],
            littleEndian(2, 4) + littleEndian(3, 4) + littleEndian(7, 6),
        ]
        func check(_ bytes: [UInt8]) {
            let readers: [() throws -> [PackedElement]] = [
                { try elements(try Listpack(bytes, offset: 0)) }, { try elements(try Ziplist(bytes, offset: 0)) },
                { try elements(try Intset(bytes, offset: 0)) },
            ]
            for reader in readers {
                let found = (try? reader()) ?? []
                #expect(found.count <= bytes.count)
            }
        }
        for source in sources {
            for index in source.indices {
                check(Array(source.prefix(index)))
                for value in UInt8.min ... .max {
                    var bytes = source
                    bytes[index] = value
                    check(bytes)
                }
            }
        }
    }

    @Test("of an intset are numbers of two, four or eight bytes")
    func intset() throws {
        for width in [2, 4, 8] {
            let bytes =
                littleEndian(Int64(width), 4) + littleEndian(2, 4) + littleEndian(-2, width) + littleEndian(9, width)
            #expect(try elements(try Intset(bytes, offset: 0)) == [.integer(-2), .integer(9)])
        }
        for bad in [[3, 0, 0, 0, 0, 0, 0, 0], [8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], [2, 0, 0, 0, 1, 0, 0, 0]]
            as [[UInt8]]
        {
            #expect(throws: RDBFileError.self) { try Intset(bad, offset: 0) }
        }
    }
}
