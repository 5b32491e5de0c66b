import Foundation
import Testing

/// What the programs print, beside the words that the documents avoid (`DocumentStyleTests`).
@Suite("The texts of the programs use plain words")
struct PrintedWordsTests {
    private static let avoided = [
        "anew", "birth guard", "by hand", "cannot be meant", "data home", "donor", "everybody", "goes by", "held",
        "is told", "nobody", "somebody", "stand-in", "told to end", "whoever",
    ]

    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The pieces of a Swift file that stand between quotes, of more than one word, with their lines, counted from 1.
    private static func sentences(of source: String) -> [(number: Int, text: String)] {
        var isInLongText = false
        var found: [(number: Int, text: String)] = []
        for (index, line) in source.components(separatedBy: "\n").enumerated() {
            if line.contains("\"\"\"") {
                isInLongText.toggle()
            } else if isInLongText {
                found.append((index + 1, line))
            } else if !line.drop(while: { $0 == " " }).hasPrefix("//") {
                let pieces = line.replacing("\\\"", with: "").components(separatedBy: "\"")
                for piece in stride(from: 1, to: pieces.count, by: 2) where pieces[piece].contains(" ") {
                    found.append((index + 1, pieces[piece]))
                }
            }
        }
        return found
    }

    private static func avoidedWords(in text: String) -> [String] {
        avoided.filter { word in
            let parts = " \(text.lowercased()) ".components(separatedBy: word)
            return zip(parts, parts.dropFirst()).contains { before, after in
                before.last?.isLetter != true && after.first?.isLetter != true
            }
        }
    }

    @Test("no log line, error or help text has a word that the project avoids")
    func sources() throws {
        let folder = Self.root.appending(path: "Sources")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var count = 0
        for case let file as URL in files where file.pathExtension == "swift" {
            for (number, text) in Self.sentences(of: try String(contentsOf: file, encoding: .utf8)) {
                count += 1
                // A word of a file's format, which programs of other versions read.
                if text.drop(while: { $0 == " " }).hasPrefix("stand-in ") { continue }
                #expect(Self.avoidedWords(in: text) == [], "\(file.lastPathComponent):\(number): \(text)")
            }
        }
        #expect(count > 1000)
    }

    @Test(
        "nor have the page and the description of the API",
        arguments: ["Sources/LivePage/index.html", "Sources/ServiceDocuments/openapi.json"])
    func documents(path: String) throws {
        let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
        for (index, line) in text.components(separatedBy: "\n").enumerated() {
            #expect(Self.avoidedWords(in: line) == [], "\(path):\(index + 1)")
        }
    }

    @Test("comments and single words are no texts, long texts are, line by line")
    func parsing() {
        let source = "// \"a b\"\nlet a = \"held\", b = \"c \\\" held\"\nlet c = \"\"\"\n  d held\n  \"\"\"\n"
        #expect(Self.sentences(of: source).map(\.text) == ["c  held", "  d held"])
        #expect(Self.sentences(of: source).map(\.number) == [2, 4])
        #expect(Self.avoidedWords(in: "c held") == ["held"])
        #expect(Self.avoidedWords(in: "upheld, Held") == ["held"] && Self.avoidedWords(in: "upheld") == [])
    }
}
