import RedisCore
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
        let settled = try SourceTexts("Sources/ReplicaReconciler/Assessment.swift", from: "var code: String {").texts
        let others = try SourceTexts("Sources/ReplicaAgent/HTTP/SidecarMetrics.swift", from: "var code: String {").texts
        let codes = Set((settled + others).filter { $0.allSatisfy { $0.isLowercase || $0 == "-" } })
        #expect(codes.count == 22)
        #expect(Set(try rows(of: "state")) == codes)
    }

    @Test(
        "every sentence",
        arguments: [
            ("Sources/ReplicaReconciler/Assessment.swift", nil, 20),
            ("Sources/ReplicaReconciler/DataComparison.swift", nil, 5),
            ("Sources/ReplicaReconciler/SentinelFollower.swift", "var description: String {", 10),
            ("Sources/ReplicaReconciler/CopyWatch.swift", nil, 6),
            ("Sources/ReplicaReconciler/ReconcilerEvent.swift", nil, 13),
            ("Sources/ReplicaReconciler/ObservedMaster.swift", nil, 3),
            ("Sources/ReplicaReconciler/ReadinessBounds.swift", nil, 4), ("Sources/RedisCore/Readiness.swift", nil, 9),
            ("Sources/ReplicaAgent/HTTP/SidecarMetrics.swift", "var words: String {", 5),
            ("Sources/ReplicaAgent/Agent/SecretRotator.swift", nil, 8),
            ("Sources/ReplicaAgent/Agent/Sidecar+Performing.swift", nil, 6),
            ("Sources/ReplicaReconciler/SecretRotation.swift", nil, 4),
            ("Sources/ReplicaAgent/Observing/Answers.swift", nil, 5),
            ("Sources/RedisCore/RedisErrorCode.swift", "var words: String? {", 8),
        ] as [(String, String?, Int)])
    func sentences(path: String, start: String?, atLeast count: Int) throws {
        let sentences = try SourceTexts(path, from: start).sentences.filter { text in
            // Those that consist of others, and one without a use here, since the sidecar observes the master too.
            !["… …", "follow … (…): …", "connect again to …: …"].contains(text)
                && !text.contains("needs redis-server 7.0") && !text.hasPrefix("ERR ")
        }
        #expect(sentences.count >= count, "\(sentences)")
        for sentence in sentences { #expect(document.contains(sentence), "\(sentence)") }
    }

    @Test("every metric, and no other")
    func metrics() throws {
        let paths = [
            "Sources/ReplicaAgent/HTTP/SidecarMetrics.swift", "Sources/ReplicaAgent/HTTP/MetricsText+Server.swift",
            "Sources/ReplicaAgent/HTTP/ServerReports.swift",
            "Sources/Telemetry/MetricsText+Process.swift",
        ]
        var names: Set<String> = []
        for path in paths {
            names.formUnion(
                try SourceTexts(path).texts.filter { text in
                    let isFamily = ["redis_", "process_"].contains { text.hasPrefix($0) }
                    // Labels, and INFO's own fields.
                    return isFamily && !["redis_version", "redis_build_id", "redis_mode", "process_id"].contains(text)
                })
        }
        // A row of the table is a field of INFO, and the metric's name where that is another one.
        for line in try SourceTexts.contents("Sources/ReplicaAgent/HTTP/ExporterFamily.swift").split(separator: "\n") {
            let words = line.split(separator: "\"").map(String.init)
            guard words.count > 2, words[0].hasSuffix(".gauge(") || words[0].hasSuffix(".counter(") else { continue }
            names.insert("redis_\(words[words.count - 2])")
        }
        #expect(names.count > 150)
        #expect(Set(try rows(of: "metric")) == names)
    }

    @Test("the document of fail-over lists the right to each command that is sent")
    func rights() throws {
        let document = try SourceTexts.contents("docs/failover.md")
        let commands =
            SentinelAnswer.commands(for: "m") + [
                SentinelAnswer.quorumCommand(for: "m"), SentinelReplicas.command(for: "m"),
            ]
        let user = try #require(document.split(separator: "\n").first { $0.hasPrefix("user follower ") })
        let rights = Set(user.split(separator: " ").map(String.init))
        for command in commands { #expect(rights.contains(SentinelAnswer.Reason.right(to: command))) }
    }

    @Test("every problem, and every member of the status")
    func answers() throws {
        let codes = try SourceTexts("Sources/ReplicaAgent/HTTP/SidecarAnswer.swift").texts.filter {
            $0.contains("-") && $0.allSatisfy { $0.isLowercase || $0 == "-" }
        }
        #expect(codes.count == 7)
        for code in codes { #expect(document.contains("`\(code)`"), "\(code)") }
        let members = try SourceTexts("Sources/ReplicaAgent/HTTP/StatusDocument.swift").texts.filter {
            $0.allSatisfy { $0.isLowercase || $0 == "_" }
        }
        #expect(members.count > 25)
        for member in members {
            let isShown = document.contains("\"\(member)\": ") || document.contains("`\(member)`")
            #expect(isShown, "\(member)")
        }
    }
}
