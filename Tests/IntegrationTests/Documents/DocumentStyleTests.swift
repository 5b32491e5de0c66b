import Testing

@Suite("The documents use plain words and short lines")
struct DocumentStyleTests {
    static let documents = [
        "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/api.md", "docs/architecture.md",
        "docs/consistency.md", "docs/failover.md", "docs/kubernetes.md", "docs/operations.md", "docs/performance.md",
        "docs/redis-replica-init.md", "docs/redis-replica-sidecar.md", "docs/tutorial.md", "docs/versions.md",
        "docs/why-one-address.md", "docs/benchmarks/data-path.md", "docs/benchmarks/redis-replica-init.md",
        "docs/benchmarks/reseed.md", "overlays/README.md", "scripts/README.md", "Tests/Fuzzing/README.md",
    ]
    /// What this project once called what the field has a name for, and words that a reader of simple English lacks.
    static let avoided = [
        "anew", "birth guard", "by hand", "cannot be meant", "data home", "donor", "everybody", "goes by", "held",
        "is told", "nobody", "somebody", "stand-in", "told to end", "whatever", "whoever",
    ]

    @Test("no document uses a word that the project avoids, outside of what programs print", arguments: documents)
    func words(path: String) throws {
        for (number, line) in Self.prose(try DocumentTests.read(path)) {
            // The folders of the sources are described where their code is.
            guard !line.hasPrefix("| `Sources/") else { continue }
            let text = " \(Self.withoutCode(line).lowercased()) "
            for word in Self.avoided where text.contains(word) {
                let parts = text.split(separator: word, omittingEmptySubsequences: false)
                let isWord = zip(parts, parts.dropFirst()).contains { before, after in
                    before.last?.isLetter != true && after.first?.isLetter != true
                }
                #expect(!isWord, "\(path):\(number): \(word)")
            }
        }
    }

    @Test("no line of prose is longer than 120 columns", arguments: documents)
    func columns(path: String) throws {
        for (number, line) in Self.prose(try DocumentTests.read(path)) {
            // Rows of tables and the texts of images have to be one line.
            guard !line.hasPrefix("|"), !line.hasPrefix("![") else { continue }
            #expect(line.count <= 120, "\(path):\(number)")
        }
    }

    @Test("what stands in backticks is no prose")
    func code() {
        #expect(Self.withoutCode("a `held` b `anew`") == "a  b ")
        #expect(Self.prose("a\n```\nb\n```\nc").map(\.text) == ["a", "c"])
        #expect(Self.prose("a\n```\nb\n```\nc").map(\.number) == [1, 5])
    }

    /// The lines outside blocks of code and measured figures, with their numbers, counted from 1.
    private static func prose(_ document: String) -> [(number: Int, text: Substring)] {
        var isInBlock = false
        var lines: [(number: Int, text: Substring)] = []
        for (index, line) in document.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isInBlock.toggle()
            } else if line == "<!-- figures -->" || line == "<!-- end of figures -->" {
                isInBlock = line == "<!-- figures -->"
            } else if !isInBlock {
                lines.append((index + 1, line))
            }
        }
        return lines
    }

    private static func withoutCode(_ line: Substring) -> String {
        let pieces = line.split(separator: "`", omittingEmptySubsequences: false)
        return stride(from: 0, to: pieces.count, by: 2).map { String(pieces[$0]) }.joined()
    }
}
