import LocalTopology
import Subprocess
import SystemPackage
import Testing

/// What `redis-replica-init probe` said.
struct ProbeAnswer: Equatable, Sendable {
    var exitCode: Int32
    /// Both streams; one line, its end left off.
    var line: String
    var elapsed: Duration

    func isYes(_ line: String) -> Bool { exitCode == 0 && self.line == line }

    func isNo(_ line: String) -> Bool { exitCode == 1 && self.line == "redis-replica-init: " + line }
}

extension LocalCluster {
    /// Probes a node by the configuration its server reads, and as the manifests do: by one process.
    nonisolated func probe(
        _ name: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> ProbeAnswer {
        let node = try #require(spec.nodes.first { $0.name == name })
        let folder = "\(folder)/\(name)"
        let variables = [
            "REDIS_CONFIG_FILE": "\(folder)/redis.conf", "REDIS_DATA_DIR": folder, "REDIS_BIND": node.endpoint.host,
        ].merging(environment) { $1 }
        let program = try Programs.built("redis-replica-init")
        let plain = (executable: program, arguments: ["probe"] + arguments)
        let command = try node.network?.command(plain.executable, plain.arguments) ?? plain
        let start = ContinuousClock.now
        let result = try await Subprocess.run(
            .path(command.executable), arguments: Arguments(command.arguments),
            environment: .custom(
                variables.reduce(into: [:]) { $0[Environment.Key(stringLiteral: $1.key)] = $1.value }),
            // As in a container: in the folder that the server was started in, which `dir .` means.
            workingDirectory: FilePath(folder),
            output: .string(limit: 4096), error: .string(limit: 4096))
        let elapsed = ContinuousClock.now - start
        guard case .exited(let code) = result.terminationStatus else {
            Issue.record("ended by \(result.terminationStatus)")
            throw CancellationError()
        }
        let text = result.standardOutput + result.standardError
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 2 && lines.last == "", "not one line: \(text)")
        return ProbeAnswer(exitCode: code, line: lines.first.map(String.init) ?? "", elapsed: elapsed)
    }

    /// Probes until the answer is this line.
    nonisolated func wait(
        untilProbe question: String, of name: String, says line: String, options: [String] = []
    ) async throws {
        try await wait(until: "probe \(question) says \(line)", of: name, within: .seconds(20)) {
            let answer = try await self.probe(name, [question] + options)
            return Observation(answer.line.hasSuffix(line), else: answer.line)
        }
    }
}
