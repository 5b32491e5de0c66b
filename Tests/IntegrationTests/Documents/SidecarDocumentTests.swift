import LocalTopology
import Testing

@Suite("The sidecar's document says what the program does")
struct SidecarDocumentTests {
    private static func document() throws -> String {
        String(decoding: try Scratch.read("\(Scratch.root)/docs/redis-replica-sidecar.md"), as: UTF8.self)
    }

    @Test("every variable with its flags, range and default, and no other")
    func variables() throws {
        let configuration = try ProgramRun(["--print-config"], of: "redis-replica-sidecar")
        let help = try ProgramRun(["--help"], of: "redis-replica-sidecar")
        #expect(configuration.ending == .exited(0))
        let rows = try Self.document().split(separator: "\n").filter { row in
            ["| `SIDECAR_", "| `LOG_", "| `REDIS_SENTINEL_"].contains { row.hasPrefix($0) }
        }
        let names = configuration.lines.map { String($0.prefix { $0 != "=" }) }
        #expect(rows.map { String($0.dropFirst(3).prefix { $0 != "`" }) } == names)
        for row in rows {
            let cells = row.split(separator: "|").map { cell in
                String(cell.filter { $0 != "`" }).split(separator: " ").joined(separator: " ")
            }
            for flag in cells[1].split(separator: ", ") {
                #expect(help.words.contains("\(flag) ") || help.words.contains("\(flag), "), "\(flag)")
            }
            // Range and default, as the help ends with them.
            let range = cells[2].isEmpty ? "" : "\(cells[2]); "
            // A secret has no flag, and some have no default.
            guard !cells[1].isEmpty else { continue }
            let end = cells[3].isEmpty ? "(\(cells[0]))" : "(\(cells[0]): \(range)default \(cells[3]))"
            #expect(help.words.contains(end), "\(row)")
        }
    }

    @Test("every metric that it shows")
    func metrics() async throws {
        let document = try Self.document()
        let system = try KeyValueCluster(replicas: 1, apps: 0, hasSidecars: true)
        try await withLocalCluster(system.spec) { cluster in
            _ = try await cluster.redis("master", "SET", "key_1", "value_1")
            let text = try await cluster.http("sidecar-1", .get("/metrics"))[0].text
            let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
            #expect(types.count > 40)
            for line in types {
                let words = line.split(separator: " ")
                #expect(document.contains("\n| `\(words[2])` | \(words[3]) | "), "\(line)")
            }
        }
    }
}
