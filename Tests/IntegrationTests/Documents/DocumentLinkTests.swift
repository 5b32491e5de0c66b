import Glibc
import Testing

@Suite("The documents' links lead somewhere")
struct DocumentLinkTests {
    static let folders = ["", "docs/", "docs/benchmarks/", "overlays/", "findings/"]

    @Test("each relative link names a file of the checkout, and a heading where it has one", arguments: folders)
    func links(folder: String) throws {
        let paths = try Self.documents(in: folder)
        try #require(!paths.isEmpty, "no document in \(folder)")
        for path in paths {
            let document = Self.prose(try DocumentTests.read(path))
            for link in Self.links(of: document) {
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let file = parts[0].isEmpty ? path : Self.resolved(String(parts[0]), in: folder)
                #expect(access("\(Scratch.root)/\(file)", F_OK) == 0, "\(path): \(link)")
                guard parts.count == 2, file.hasSuffix(".md") else { continue }
                let anchors = Self.anchors(of: Self.prose(try DocumentTests.read(file)))
                #expect(anchors.contains(String(parts[1])), "\(path): \(link)")
            }
        }
    }

    @Test(
        "a heading's anchor is GitHub's",
        arguments: [
            ("## The app's answers", "the-apps-answers"), ("### 1, 2. The `/set` routes", "1-2-the-set-routes"),
            ("## 在集群中，九个步骤", "在集群中九个步骤"), ("# A [link](b.md#c) in it", "a-link-in-it"),
        ])
    func anchors(heading: String, anchor: String) {
        #expect(Self.anchors(of: heading) == [anchor])
    }

    @Test("links are found outside code, and only those that are relative")
    func links() {
        let document = "[a](b.md#c) and ![d](e.png)\n```console\n[f](g)\n```\n[h](https://i) `x` [j](#k)"
        #expect(Self.links(of: Self.prose(document)) == ["b.md#c", "e.png", "#k"])
    }

    /// A document without its blocks of code.
    private static func prose(_ document: String) -> String {
        var isInBlock = false
        return document.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { line in
                if line.drop(while: { $0 == " " }).hasPrefix("```") {
                    isInBlock.toggle()
                    return false
                }
                return !isInBlock
            }
            .joined(separator: "\n")
    }

    private static func links(of prose: String) -> [String] {
        prose.split(separator: "](", omittingEmptySubsequences: false).dropFirst()
            .map { String($0.prefix { $0 != ")" }) }
            .filter { !$0.contains("://") && !$0.contains(" ") }
    }

    private static func anchors(of prose: String) -> Set<String> {
        var found: Set<String> = []
        for line in prose.split(separator: "\n") where line.hasPrefix("#") {
            var title = ""
            var rest = line.drop { $0 == "#" }.dropFirst()
            while let character = rest.popFirst() {
                // Of a link its text is shown.
                if character == "]", rest.first == "(" { rest = rest.drop { $0 != ")" }.dropFirst() }
                title.append(character)
            }
            let kept = title.lowercased().filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
            found.insert(kept.replacing(" ", with: "-"))
        }
        return found
    }

    /// The path from the checkout's folder, without `..` in it.
    private static func resolved(_ link: String, in folder: String) -> String {
        var parts: [Substring] = []
        for part in "\(folder)\(link)".split(separator: "/") {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    private static func documents(in folder: String) throws -> [String] {
        let stream = try #require(opendir("\(Scratch.root)/\(folder)"), "\(folder)")
        defer { closedir(stream) }
        var paths: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".md") { paths.append("\(folder)\(name)") }
        }
        return paths.sorted()
    }
}
