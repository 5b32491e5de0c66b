import Glibc
import RDBFile
import Testing

/// What a file holds, a line a key, the parts of unordered values in the order of the alphabet.
final class Contents: RDBVisitor {
    private(set) var lines: [String: String] = [:]
    private(set) var summary: RDBReader.Summary?
    /// Whether values are wanted.
    private let wantsValues: Bool
    /// How many calls are answered before the visitor wants no more.
    private var patience: Int
    private(set) var calls = 0
    private(set) var keyBytes = 0
    private var key: RDBKey?
    private var parts: [String] = []
    private var text: [UInt8] = []

    init(wantsValues: Bool = true, patience: Int = .max) {
        self.wantsValues = wantsValues
        self.patience = patience
    }

    func read(_ bytes: [UInt8], pieces size: Int = .max) throws(RDBFileError) {
        var rest = bytes[...]
        var reader = RDBReader { count throws(RDBSourceError) in
            let piece = rest.prefix(min(count, size))
            rest = rest.dropFirst(piece.count)
            return Array(piece)
        }
        summary = try reader.read(self)
    }

    private func count() -> Bool {
        calls += 1
        return calls < patience
    }

    func begin(_ key: RDBKey) -> RDBInterest {
        guard count() else { return .stop }
        self.key = key
        parts = []
        text = []
        return wantsValues ? .value : .keyOnly
    }

    func take(_ part: RDBPart) -> Bool {
        switch part {
        case .text(let piece, let isLast):
            text += piece
            if isLast { parts.append(shown(text)) }
        case .element(let element), .member(let element): parts.append(shown(element))
        case .field(let field, let value, let time):
            parts.append("\(shown(field))=\(shown(value))\(time.map { "@\($0)" } ?? "")")
        case .scored(let member, let score): parts.append("\(shown(member)):\(score)")
        case .entry(let id, let fields): parts.append("\(id)(\(fields.map(shown).joined(separator: ",")))")
        case .streamEnd(let length, let last): parts.append("length \(length) last \(last)")
        case .group(let name, let last, let pending): parts.append("group \(shown(name)) \(last) \(pending)")
        case .consumer(let name, let pending): parts.append("consumer \(shown(name)) \(pending)")
        case .tooLarge: parts.append("too large")
        }
        return count()
    }

    func end(bytes: Int) -> Bool {
        guard let key else { return false }
        keyBytes += bytes
        let areOrdered: Bool =
            switch key.type {
            case .list, .stream: true
            case .string, .set, .sortedSet, .hash, .module: false
            }
        let values = (areOrdered ? parts : parts.sorted()).joined(separator: " ")
        let expiry = key.expiresAt.map { " expires \($0)" } ?? ""
        lines["\(key.database) \(shown(key.name))"] = "\(key.type.name)\(expiry): \(values)"
        return count()
    }
}

/// ASCII as it is, other bytes in hexadecimal.
private func shown(_ bytes: [UInt8]) -> String {
    bytes.map { 0x21...0x7E ~= $0 ? String(UnicodeScalar($0)) : "\\x" + String($0, radix: 16) }.joined()
}

/// A small data set as a real server saved it.
struct RecordedFile: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]

    static let names = [
        "redis-6.0", "redis-6.2", "redis-7.0", "redis-8.0", "redict-7.3", "valkey-8.1", "valkey-9.1",
    ]

    static var all: [RecordedFile] { get throws { try names.map(RecordedFile.init) } }

    init(_ name: String) throws {
        self.name = name
        let folder = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let file = try #require(fopen("\(folder)/Recorded/\(name).rdb", "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
        self.bytes = bytes
    }

    /// Whether fields of hashes expire there.
    var hasFieldExpiry: Bool { name == "redis-8.0" || name == "valkey-9.1" }

    var testDescription: String { name }
}
