import Testing

@Suite("The sidecar's document says what the sources say")
struct DocumentationTests {
    private let document: String

    init() throws { document = try SourceTexts.contents("docs/redis-replica-sidecar.md") }

    /// What stands in the first column of the tables with this heading, without its backticks.
    private func rows(of heading: String) throws -> [String] {
        let start = try #require(document.firstRange(of: "\n| \(heading) |"), "\(heading)").upperBound
        let lines = document[start...].split(separator: "\n").dropFirst(2).prefix { $0.hasPrefix("|") }
        return lines.map { String($0.dropFirst(2).prefix { $0 != "|" }).filter { $0 != "`" } }
            .map { String($0.reversed().drop { $0 == " " }.reversed()) }
    }

    @Test("every state, and no other")
    func states() throws {
        let settled = try SourceTexts("Sources/ReplicaSidecar/Assessment.swift", from: "var code: String {").texts
        let others = try SourceTexts("Sources/SidecarService/SidecarMetrics.swift", from: "var code: String {").texts
        let codes = Set((settled + others).filter { $0.allSatisfy { $0.isLowercase || $0 == "-" } })
        #expect(codes.count == 18)
        #expect(Set(try rows(of: "state")) == codes)
    }

    @Test(
        "every sentence",
        arguments: [
            ("Sources/ReplicaSidecar/Assessment.swift", nil, 18),
            ("Sources/ReplicaSidecar/DataComparison.swift", nil, 5),
            ("Sources/ReplicaSidecar/KeeperEvent.swift", nil, 12), ("Sources/ReplicaSidecar/MasterSight.swift", nil, 1),
            ("Sources/ReplicaSidecar/ReadinessBounds.swift", nil, 4), ("Sources/Replication/Readiness.swift", nil, 9),
            ("Sources/SidecarService/SidecarMetrics.swift", "var words: String {", 5),
            ("Sources/SidecarService/Sidecar+Rotation.swift", nil, 8),
            ("Sources/SidecarService/Sidecar+Performing.swift", nil, 6),
            ("Sources/ReplicaSidecar/SecretRotation.swift", nil, 4),
            ("Sources/SidecarService/Answers.swift", nil, 8),
        ] as [(String, String?, Int)])
    func sentences(path: String, start: String?, atLeast count: Int) throws {
        let sentences = try SourceTexts(path, from: start).sentences.filter { text in
            // Those that consist of others, and one without a use here, since the sidecar looks at the master too.
            !["… …", "follow … (…): …", "connect anew to …: …"].contains(text)
                && !text.contains("needs redis-server 7.0")
        }
        #expect(sentences.count >= count, "\(sentences)")
        for sentence in sentences { #expect(document.contains(sentence), "\(sentence)") }
    }

    @Test("every metric, and no other")
    func metrics() throws {
        let paths = [
            "Sources/SidecarService/SidecarMetrics.swift", "Sources/SidecarService/ExporterFamily.swift",
            "Sources/Telemetry/MetricsText+Process.swift",
        ]
        var names: Set<String> = []
        for path in paths {
            names.formUnion(
                try SourceTexts(path).texts.filter { text in
                    let isFamily = ["redis_", "process_"].contains { text.hasPrefix($0) }
                    // Labels, and INFO's own fields.
                    return isFamily && !["redis_version", "redis_mode", "process_id"].contains(text)
                })
        }
        #expect(names.count > 50)
        #expect(Set(try rows(of: "metric")) == names)
    }

    @Test("every problem, and every member of the status")
    func answers() throws {
        let codes = try SourceTexts("Sources/SidecarService/SidecarAnswer.swift").texts.filter {
            $0.contains("-") && $0.allSatisfy { $0.isLowercase || $0 == "-" }
        }
        #expect(codes.count == 4)
        for code in codes { #expect(document.contains("`\(code)`"), "\(code)") }
        let members = try SourceTexts("Sources/SidecarService/StatusDocument.swift").texts.filter {
            $0.allSatisfy { $0.isLowercase || $0 == "_" }
        }
        #expect(members.count > 25)
        for member in members {
            let isShown = document.contains("\"\(member)\": ") || document.contains("`\(member)`")
            #expect(isShown, "\(member)")
        }
    }
}
