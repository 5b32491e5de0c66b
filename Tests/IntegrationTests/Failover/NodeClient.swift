import LocalTopology
import SystemPackage
import Testing

/// Asks servers by redis-cli, which speaks TLS and logs in as a user.
struct NodeClient: Sendable {
    var user: String?
    var password: String?
    var certificates: Certificates?

    /// - Returns: what it prints.
    func ask(_ node: NodeSpec, _ words: String...) async throws -> String {
        var arguments = ["-h", node.endpoint.host, "-p", "\(node.endpoint.port)"]
        if let user { arguments += ["--user", user] }
        if let certificates {
            arguments += [
                "--tls", "--cacert", certificates.certificate("ca"), "--cert", certificates.certificate("one"), "--key",
                certificates.key("one"),
            ]
        }
        var environment: [String: String] = [:]
        if let password { environment["REDISCLI_AUTH"] = password }
        let (words, variables) = (arguments + ["--no-auth-warning"] + words, environment)
        return try await Background.run {
            let scratch = try Scratch()
            let process = try Spawned(
                Programs.installed("redis-cli", package: "redis-tools").string, words, environment: variables,
                in: scratch.path, log: scratch["log"])
            _ = process.ended()
            return process.output
        }
    }
}
