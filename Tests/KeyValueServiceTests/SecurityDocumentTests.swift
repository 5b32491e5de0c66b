import Glibc
import Testing

/// `SECURITY.md` names a test for each bound and each threat.
@Suite("The tests that SECURITY.md names")
struct SecurityDocumentTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// The rows of the tables that have a column for the test, and what stands in it.
    private static var rows: [(row: String, test: String)] {
        get throws {
            var rows: [(row: String, test: String)] = []
            var hasTests = false
            for line in try text("SECURITY.md").split(separator: "\n", omittingEmptySubsequences: false) {
                guard line.hasPrefix("|") else {
                    hasTests = false
                    continue
                }
                let cells = line.split(separator: "|").map { $0.drop { $0 == " " } }
                let last = String(cells.last ?? "")
                if last.hasPrefix("test") {
                    hasTests = true
                } else if hasTests, !last.hasPrefix("---") {
                    rows.append((String(line), last))
                }
            }
            return rows
        }
    }

    @Test func `there is one in each row, and it is there`() throws {
        let sources = try Self.sources(under: "Tests")
        let rows = try Self.rows
        #expect(rows.count > 30)
        for (row, test) in rows {
            let pieces = test.split(separator: "`", omittingEmptySubsequences: false)
            let names = stride(from: 1, to: pieces.count, by: 2).map { String(pieces[$0]) }
                .filter { $0.hasSuffix("Tests") || $0.hasPrefix("scripts/") || $0 == "Fuzzing" }
            #expect(!names.isEmpty, "no test in: \(row)")
            for name in names where name.hasSuffix("Tests") {
                let holds = sources.contains { $0.contains("struct \(name) ") && $0.contains("@Test") }
                #expect(holds, "there is no suite \(name), named in: \(row)")
            }
            for name in names where !name.hasSuffix("Tests") {
                let path = name == "Fuzzing" ? "Tests/Fuzzing/README.md" : name
                #expect(access("\(Self.root)/\(path)", F_OK) == 0, "\(path)")
            }
        }
    }

    private static func sources(under folder: String) throws -> [String] {
        let directory = try #require(opendir("\(root)/\(folder)"), "\(folder)")
        defer { closedir(directory) }
        var sources: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".swift") {
                sources.append(try text("\(folder)/\(name)"))
            } else if entry.pointee.d_type == UInt8(DT_DIR), !name.hasPrefix(".") {
                sources += try Self.sources(under: "\(folder)/\(name)")
            }
        }
        return sources
    }

    private static func text(_ path: String) throws -> String {
        let file = try #require(fopen("\(root)/\(path)", "r"), "\(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = fread(&part, 1, part.count, file), count > 0 { bytes += part[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
