import Glibc
import ReplicaPlanning
import Testing

@Suite("The documents name everything there is")
struct DocumentationTests {
    /// A file of the checkout, which this file is in too.
    private static func read(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try #require(fopen("/\(root)/\(path)", "r"), "\(path)")
        defer { fclose(file) }
        var contents: [UInt8] = []
        while case let byte = getc(file), byte != EOF { contents.append(UInt8(byte)) }
        return String(decoding: contents, as: UTF8.self)
    }

    private static let planners = [
        "Sources/ReplicaPlanning/Server/Dialect.swift",
        "Sources/ReplicaPlanning/Plan/Planner.swift",
        "Sources/ReplicaPlanning/Plan/Planner+Container.swift",
        "Sources/ReplicaPlanning/Plan/Planner+Guard.swift",
        "Sources/ReplicaPlanning/Plan/Planner+Master.swift",
        "Sources/ReplicaPlanning/Plan/Planner+MasterNodes.swift",
        "Sources/ReplicaPlanning/Plan/Planner+Network.swift",
        "Sources/ReplicaPlanning/Plan/Planner+Secrets.swift",
        "Sources/ReplicaPlanning/Plan/Planner+Socket.swift",
        "Sources/ReplicaPlanning/Plan/Planner+Traps.swift",
        "Sources/ReplicaPlanning/Probe/ProbeTarget.swift",
        "Sources/ReplicaPlanning/Sentinel/Planner+Sentinel.swift",
        "Sources/RedisCore/Sentinel/SentinelSettings.swift",
    ]

    /// Every name in quotes that the planning reads as a variable: capitals, digits and underscores.
    private static func variables() throws -> Set<String> {
        var found: Set<String> = ["REDIS_CONFIG_FILE"]
        for path in planners {
            let parts = try read(path).split(separator: "\"", omittingEmptySubsequences: false)
            for part in parts where part.utf8.count > 5 {
                if part.utf8.allSatisfy({
                    $0 == UInt8(ascii: "_") || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                }) {
                    found.insert(String(part))
                }
            }
        }
        return found
    }

    /// The words of a text that begin with two dashes.
    private static func options(_ text: String) -> Set<String> {
        let words = text.split { !($0 == "-" || $0.isLetter) }.map(String.init)
        return Set(words.filter { $0.hasPrefix("--") && $0.count > 4 })
    }

    private static func mentions(_ text: String, _ name: String) -> Bool {
        text.split { !($0 == "_" || $0.isLetter || $0.isNumber) }.contains { $0 == name }
    }

    @Test("every variable is in the document, the manual page and the usage")
    func variables() throws {
        let variables = try Self.variables()
        #expect(variables.count > 35)
        let document = try Self.read("docs/redis-replica-init.md")
        let page = try Self.read("docs/redis-replica-init.1")
        for variable in variables {
            #expect(Self.mentions(document, variable), "\(variable) in redis-replica-init.md")
            let isOthers = variable.hasPrefix("KUBERNETES_")
            #expect(isOthers || Self.mentions(page, variable), "\(variable) in redis-replica-init.1")
        }
    }

    @Test("every variable has its name for Valkey, and two different values are reported")
    func valkeyNames() throws {
        let names = try Self.variables().filter {
            $0.hasPrefix("REDIS_") && !["REDIS_VERSION", "REDIS_CONFIG_FILE"].contains($0)
        }
        #expect(names.count > 25)
        for name in names {
            let other = "VALKEY_" + name.dropFirst("REDIS_".count)
            let start = Start(environment: [name: "a", other: "b"])
            #expect(start.diagnostics().contains { $0.problem == .namedTwice(used: name) }, "\(name)")
        }
    }

    @Test("every option of the usage is in the document and the manual page")
    func options() throws {
        let usage = Self.options(try Self.read("Sources/redis-replica-init/Usage.swift"))
        #expect(usage.contains("--require-link") && usage.count >= 11)
        let document = Self.options(try Self.read("docs/redis-replica-init.md"))
        #expect(usage.subtracting(document) == [])
        let page = try Self.read("docs/redis-replica-init.1")
        for option in usage { #expect(page.contains("Fl \(option.dropFirst())"), "\(option)") }
    }

    @Test("every exit code is in the document and the manual page")
    func exitCodes() throws {
        let codes = [
            ExitCode.usage, ExitCode.inputOutput, ExitCode.held, ExitCode.permission, ExitCode.configuration,
            ExitCode.cannotExecute, ExitCode.notFound,
        ]
        let document = try Self.read("docs/redis-replica-init.md")
        let page = try Self.read("docs/redis-replica-init.1")
        for code in codes {
            #expect(document.contains("\n| \(code) | "))
            #expect(page.contains(".It \(code)\n"))
        }
    }

    @Test("every message and cure without a value in it is in the document")
    func traps() throws {
        let document = try Self.read("docs/redis-replica-init.md")
        let source =
            try Self.read("Sources/ReplicaPlanning/Report/Problem+Message.swift")
            + Self.read("Sources/ReplicaPlanning/Report/StartProblem.swift")
        var count = 0
        for line in source.split(separator: "\n") {
            let trimmed = line.drop { $0 == " " }
            guard trimmed.hasPrefix("case .") || trimmed.hasPrefix("\""), !trimmed.contains("\\(") else { continue }
            guard let start = trimmed.firstIndex(of: "\""), trimmed.hasSuffix("\"") else { continue }
            let text = trimmed[trimmed.index(after: start)...].dropLast()
            if ["no such file", "permission denied", "it is a folder"].contains(String(text)) { continue }
            count += 1
            #expect(document.contains(text), "\(text)")
        }
        #expect(count > 60)
    }
}
