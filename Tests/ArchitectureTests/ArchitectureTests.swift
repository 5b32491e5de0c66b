import Foundation
import Testing

/// What docs/architecture.md says of the sources, beside the sources.
@Suite("The architecture document")
struct ArchitectureTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The paths of all Swift files below a folder of the checkout.
    private static func sources(below folder: String) throws -> [String] {
        let base = root.appending(path: folder)
        let files = try #require(FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil))
        return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map(\.path)
    }

    /// The modules that the files of a folder import, but for the language's own and the system's.
    private static func imports(of folder: String) throws -> Set<String> {
        var modules: Set<String> = []
        for file in try sources(below: folder) {
            for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
                var words = line.split(separator: " ")[...]
                while let word = words.first, word != "import" {
                    guard word.hasPrefix("@") || ["public", "package", "internal", "private"].contains(word) else {
                        break
                    }
                    words = words.dropFirst()
                }
                guard words.first == "import", words.count > 1 else { continue }
                let isOfOneSymbol = ["struct", "enum", "class", "func", "protocol"].contains(
                    String(words[words.startIndex + 1]))
                let name = words[words.startIndex + (isOfOneSymbol ? 2 : 1)]
                modules.insert(String(name.split(separator: ".")[0]))
            }
        }
        return modules.subtracting(["Glibc", "Synchronization", "Dispatch"])
    }

    private struct Row: Sendable, CustomTestStringConvertible {
        let folders: [String]
        let modules: Set<String>

        var testDescription: String { folders.joined(separator: ", ") }
    }

    /// The rows of the table of modules: folders in the first cell, what they may import in the last.
    private static func rows() throws -> [Row] {
        try text("docs/architecture.md").split(separator: "\n").compactMap { line in
            guard line.hasPrefix("| `Sources/") else { return nil }
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let folders = cells[0].split(separator: "`").filter { $0.hasPrefix("Sources/") }.map(String.init)
            // What stands in parentheses is a remark.
            let listed = cells[cells.count - 1].replacing(/\([^)]*\)/, with: "")
            let modules = listed.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            return Row(folders: folders, modules: Set(modules).subtracting(["nothing", "C"]))
        }
    }

    /// The name of a package's modules in the table.
    private static func listed(_ module: String) -> String {
        module.hasPrefix("NIO") && module != "NIOSSL" ? "NIO" : module
    }

    @Test("every module is in the table, with what it imports, and nothing else")
    func modules() throws {
        let rows = try Self.rows()
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
        #expect(Set(rows.flatMap(\.folders)) == Set(folders.map { "Sources/\($0)" }))
        for row in rows {
            var imported: Set<String> = []
            for folder in row.folders { imported.formUnion(try Self.imports(of: folder).map(Self.listed)) }
            let inRow = Set(row.folders.map { String($0.dropFirst("Sources/".count)) })
            #expect(imported.subtracting(inRow) == row.modules, "\(row.folders)")
        }
    }

    @Test("a module that decides imports no module that acts")
    func purity() throws {
        let pure: Set = [
            "RedisConf", "RedisCore", "ServerSelection", "Failover", "HTTPWire", "RDBFile", "ReplicaPlanning",
            "ReplicaReconciler", "Settings",
        ]
        for module in pure {
            for file in try Self.sources(below: "Sources/\(module)") {
                let text = try String(contentsOfFile: file, encoding: .utf8)
                #expect(!text.contains("import Glibc") && !text.contains("import Foundation"), "\(file)")
            }
            #expect(try Self.imports(of: "Sources/\(module)").isSubset(of: pure), "\(module)")
        }
    }

    @Test("no class has more than two above it, and none leaves a method to be overridden")
    func classes() throws {
        var superclasses: [String: String] = [:]
        for file in try Self.sources(below: "Sources") {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            #expect(!text.contains(/(preconditionFailure|fatalError)\("[^"]*overrid/), "\(file)")
            for match in text.matches(of: /\bclass ([A-Z]\w*)(?:<[^>]*>)?: ([A-Z]\w*)/) {
                superclasses[String(match.1)] = String(match.2)
            }
        }
        #expect(superclasses["WriteHandler"] == "RequestHandler")
        for name in superclasses.keys {
            var above: [String] = []
            while let next = superclasses[above.last ?? name] { above.append(next) }
            #expect(above.count <= 2, "\(name): \(above)")
        }
    }

    /// Public for another reason: what a protocol of another package requires, and a default of a public function.
    private static let requiredPublic: Set = ["metadataProvider", "InboundOut", "longestAnswers"]

    private static func words(of text: String) -> Set<Substring> {
        Set(text.split { !($0.isLetter || $0.isNumber || $0 == "_") })
    }

    @Test("what is public is used by another module, or in the signature of something that is")
    func publicSymbols() throws {
        var texts: [String: [String]] = [:]
        for file in try Self.sources(below: "Sources") {
            let parts = file.split(separator: "/")
            let module = String(parts[try #require(parts.lastIndex(of: "Sources")) + 1])
            texts[module, default: []].append(try String(contentsOfFile: file, encoding: .utf8))
        }
        let used = texts.mapValues { Self.words(of: $0.joined(separator: "\n")) }
        let declaration = /\bpublic\b(?:\(set\))?(?: [a-z()]+)*? (func|var|let|struct|enum|class|typealias) `?(\w+)/
        var found = 0
        for (module, files) in texts {
            let lines = files.flatMap { $0.split(separator: "\n") }
            // A type may be public because a public declaration, or a case of an enumeration, names it.
            var isSignature = false
            let signatures = Self.words(
                of: lines.filter { line in
                    let begins = line.contains("public ")
                    defer { isSignature = (begins || isSignature) && !line.hasSuffix("{") && !line.hasSuffix("}") }
                    return begins || isSignature || line.contains("  case ")
                }.map { $0.replacing(/(struct|enum|class|typealias) \w+/, with: "") }.joined(separator: "\n"))
            for line in lines {
                guard !line.hasPrefix("import"), let match = line.firstMatch(of: declaration) else { continue }
                found += 1
                let isType = !["func", "var", "let"].contains(match.1)
                let isUsed =
                    used.contains { $0.key != module && $0.value.contains(match.2) }
                    || (isType && signatures.contains(match.2)) || Self.requiredPublic.contains(String(match.2))
                #expect(isUsed, "\(module): \(match.2) is public: `package` will do, or nothing")
            }
        }
        #expect(found > 1000)
    }

    @Test(
        "every file of ours that a document names is there",
        arguments: ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md"])
    func files(document: String) throws { try Self.checkPaths(in: document) }

    @Test("every file of ours that a page of docs/ names is there")
    func pages() throws {
        let folder = Self.root.appending(path: "docs")
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".md") }
        #expect(pages.count > 8)
        for page in pages { try Self.checkPaths(in: "docs/\(page)") }
    }

    private static func checkPaths(in document: String) throws {
        for match in try text(document).matches(
            of: /`((?:Sources|Tests|scripts|k8s|overlays|images)\/[A-Za-z0-9_+.\/-]+)`/)
        {
            let path = String(match.1)
            #expect(FileManager.default.fileExists(atPath: root.appending(path: path).path), "\(path) in \(document)")
        }
    }
}
