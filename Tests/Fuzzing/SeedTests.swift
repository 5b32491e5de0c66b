import Glibc
import SeededRandomness
import Testing

@Suite("Every parser keeps its promises on every seed")
struct SeedTests {
    @Test("on every seed, those that once broke one among them", arguments: FuzzTarget.allCases)
    func seeds(target: FuzzTarget) throws {
        let seeds = try Seed.all(of: target)
        #expect(!seeds.isEmpty)
        for seed in seeds { #expect(throws: Never.self, "\(seed.path)") { try target.check(seed.bytes) } }
    }

    @Test("on damaged seeds: a few here, millions by `make fuzz`", arguments: FuzzTarget.allCases)
    func damaged(target: FuzzTarget) async throws {
        for seed in try Seed.all(of: target) {
            var random = SplitMix64(seed: seedNumber(of: seed.bytes))
            for _ in 0..<50 {
                let input = damaged(seed.bytes, &random)
                #expect(throws: Never.self, "\(target.rawValue): \(input)") { try target.check(input) }
            }
            // The pool has few threads, and other tests have deadlines.
            await Task.yield()
        }
    }

    @Test func everyFolderOfSeedsIsATargets() throws {
        #expect(Set(try Seed.names(in: "")) == Set(FuzzTarget.allCases.map(\.rawValue)))
    }

    private func damaged(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0..<3, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let byte = UInt8.random(in: .min ... .max, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.insert(byte, at: place)
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + 3))
            case 2: if place < bytes.count { bytes[place] = byte }
            default: bytes.insert(contentsOf: bytes.prefix(place).suffix(16), at: place)
            }
        }
        return bytes
    }
}

/// A file beside this one, in the folder of its target.
private struct Seed {
    let path: String
    let bytes: [UInt8]

    static func all(of target: FuzzTarget) throws -> [Seed] {
        try names(in: target.rawValue).sorted().map { name in
            let path = "\(folder)/\(target.rawValue)/\(name)"
            let file = try #require(fopen(path, "r"), "\(path)")
            defer { fclose(file) }
            var bytes: [UInt8] = []
            while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
            return Seed(path: path, bytes: bytes)
        }
    }

    static func names(in path: String) throws -> [String] {
        let stream = try #require(opendir("\(folder)/\(path)"), "\(path)")
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static let folder = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Seeds"
}
