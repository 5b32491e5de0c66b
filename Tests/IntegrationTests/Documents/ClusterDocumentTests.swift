import Glibc
import Testing

@Suite("The documents' commands for a cluster are about what the manifests have")
struct ClusterDocumentTests {
    static let documents = [
        "README.md", "README.zh-CN.md", "docs/kubernetes.md", "docs/operations.md", "docs/tutorial.md",
        "docs/tutorial.zh-CN.md",
    ]
    static let manifests = [
        "redis-master-pvc", "redis-master-svc", "redis-master-deploy", "redis-slave-svc", "redis-slave-deploy",
        "key-value-app-svc", "key-value-app-deploy", "node-hostname",
    ]

    @Test("each file and folder that a document names is there", arguments: documents)
    func files(path: String) throws {
        let document = try DocumentTests.read(path)
        var found = 0
        for word in Self.words(document) {
            let name = word.prefix { $0 != "#" }
            guard ["k8s/", "docker/", "scripts/", "Tests/", "docs/"].contains(where: name.hasPrefix),
                !name.contains("…")
            else { continue }
            #expect(access("\(Scratch.root)/\(name)", F_OK) == 0, "\(path): \(name)")
            found += 1
        }
        #expect(found > 0, "\(path) names no file: is it still looked for as it is written?")
    }

    @Test("each object that a command names is in k8s/", arguments: documents)
    func objects(path: String) throws {
        let known = try Self.objects()
        let commands = ConsoleTranscript(try DocumentTests.read(path)).steps.map(\.command)
        // What a document's own commands make.
        let made = Set(
            commands.filter { $0.contains("kubectl create") || $0.contains("kubectl run") }.flatMap(Self.words))
        for word in commands.flatMap(Self.words) {
            let parts = word.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let kind = Self.kinds[String(parts[0])] else { continue }
            let name = String(parts[1])
            #expect(known.contains("\(kind)/\(name)") || made.contains(name), "\(path): \(word)")
        }
    }

    @Test("the way back from a backup is the one that make e2e takes")
    func restoring() throws {
        let script = try DocumentTests.read("scripts/e2e/emptied.py")
        let start = try #require(script.firstRange(of: "RESTORE = \"\"\"")).upperBound
        let end = try #require(script[start...].firstRange(of: "\"\"\"")).lowerBound
        #expect(script[start..<end].contains("/data/appendonlydir/appendonly.aof.manifest"))
        let document = try DocumentTests.read("docs/operations.md")
        #expect(document.contains("sh -ec '\(script[start..<end])' <backup.rdb"))
    }

    @Test("the objects are read from the manifests")
    func manifestsAreRead() throws {
        let known = try Self.objects()
        #expect(known.isSuperset(of: ["Deployment/redis-slave", "Service/redis-slave-nodes"]))
        #expect(known.contains("Service/redis-master-nodes"))
        #expect(known.contains("PersistentVolumeClaim/redis-master-data"))
        #expect(known.count == 11)
    }

    private static let kinds = [
        "deployment": "Deployment", "service": "Service", "pvc": "PersistentVolumeClaim",
        "persistentvolumeclaim": "PersistentVolumeClaim",
    ]

    private static func words(_ text: String) -> [String] {
        text.split { " \n`()[]'\",;|".contains($0) }.map { String($0) }
            .map { word in word.last == "." || word.last == ":" ? String(word.dropLast()) : word }
    }

    /// Kind/name of everything in k8s/: `metadata` and its `name` follow `kind` in each of our manifests.
    private static func objects() throws -> Set<String> {
        var found: Set<String> = []
        for file in manifests {
            var kind = ""
            for line in try DocumentTests.read("k8s/\(file).yaml").split(separator: "\n") {
                if line.hasPrefix("kind: ") { kind = String(line.dropFirst("kind: ".count)) }
                if line.hasPrefix("  name: "), !kind.isEmpty {
                    found.insert("\(kind)/\(line.dropFirst("  name: ".count))")
                    kind = ""
                }
            }
        }
        return found
    }
}
