import RedisConf

/// `appendonly.aof.manifest`: a line for each file, `file NAME seq N type b|h|i`.
///
/// Refused where redis-server refuses it (redis/redis `src/aof.c`, `aofLoadManifestFromFile`).
struct AOFManifest: Equatable, Sendable {
    /// A manifest has a line for each file; more than this, and it is none.
    static let maximalBytes = 1 << 20
    private static let maximalLineBytes = 1024

    /// The files that are loaded, in this order: the base and the increments.
    private(set) var loaded: [[UInt8]] = []
    /// Whether one of them is an increment; else redis-server opens a new one.
    private(set) var hasIncrement = false
    /// Files that redis-server removes.
    private(set) var history: [[UInt8]] = []
    /// Why redis-server would refuse it; nil where it would not.
    private(set) var damage: String?

    init(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else {
            damage = "it has no byte"
            return
        }
        var increments: [[UInt8]] = []
        var base: [UInt8]?
        var highest = 0
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let number = index + 1
            // What is behind the last line end.
            if index == bytes.count(where: { $0 == UInt8(ascii: "\n") }) {
                if !line.isEmpty { damage = "its last line has no end" }
                continue
            }
            guard line.first != UInt8(ascii: "#") else { continue }
            guard line.count < Self.maximalLineBytes, let entry = Entry(Array(line)) else {
                damage = "line \(number) cannot be read"
                return
            }
            switch entry.type {
            case UInt8(ascii: "b") where base == nil: base = entry.name
            case UInt8(ascii: "h"): history.append(entry.name)
            case UInt8(ascii: "i") where entry.number > highest:
                highest = entry.number
                increments.append(entry.name)
            default:
                damage = "line \(number) does not fit the others"
                return
            }
        }
        loaded = (base.map { [$0] } ?? []) + increments
        hasIncrement = !increments.isEmpty
    }

    private struct Entry {
        var name: [UInt8]
        var number: Int
        var type: UInt8

        init?(_ line: [UInt8]) {
            guard let tokens = try? splitArguments(line).map(\.bytes), tokens.count >= 6, tokens.count % 2 == 0,
                let name = Self.value("file", in: tokens), !name.isEmpty,
                !name.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }),
                let number = Self.value("seq", in: tokens).flatMap(ReplicaPlanning.number), number > 0,
                let type = Self.value("type", in: tokens)?.first
            else { return nil }
            self.name = name
            self.number = number
            self.type = type
        }

        private static func value(_ key: String, in tokens: [[UInt8]]) -> [UInt8]? {
            stride(from: 0, to: tokens.count - 1, by: 2).reversed().first { equalsIgnoringCase(tokens[$0], key) }
                .map { tokens[$0 + 1] }
        }
    }
}
