import Hiredis
import LocalTopology
import Testing

@Suite("The handshake with a server")
struct HandshakeTests {
    /// A master alone, on which commands are run before the app starts; the app reaches it by the proxy.
    private func withMaster(
        lines: [String] = [], prepared commands: [[String]] = [], environment: [String: String],
        _ body: (LocalCluster, LoopbackProxy) async throws -> Void
    ) async throws {
        let system = try DirectCluster(masterLines: lines, replicaLines: [])
        try await withLoopbackProxy(to: [system.master.endpoint]) { proxy in
            var app = DirectCluster.app(
                at: system.app.endpoint, master: proxy.endpoint, replicas: [], program: system.app.executable,
                environment: environment)
            app.readiness = .running
            try await withLocalCluster(ClusterSpec([system.master, app]), starts: false) { cluster in
                try await cluster.start("master")
                if !commands.isEmpty {
                    for reply in try await cluster.redis("master", commands) { try #require(reply.errorText == nil) }
                }
                try await cluster.start("app")
                try await cluster.wait(untilServed: .get("/livez"))
                try await body(cluster, proxy)
            }
        }
    }

    @Test("a database is selected, with and without a password, and after a reconnect")
    func database() async throws {
        let user = ["ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all"]
        for environment in [[:], ["REDIS_USER": "app", "REDIS_PASSWORD": "secret"]] {
            try await withMaster(
                prepared: [user], environment: environment.merging(["REDIS_DATABASE": "7"]) { $1 }
            ) { cluster, _ in
                try await cluster.wait(untilServed: .get("/readyz"))
                _ = try await cluster.http("app", .set(#"{"key":"k","value":"v"}"#))
                let replies = try await cluster.redis("master", [["GET", "k"], ["SELECT", "7"], ["GET", "k"]])
                #expect(replies[0] == .null)
                #expect(replies[2].text == "v")
                _ = try await cluster.redis("master", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                try await cluster.wait(until: "it is read again", of: "app") {
                    let answer = try await cluster.http("app", .get("/get?key=k"))[0]
                    return Observation(answer.text.contains("get k: v"), else: answer.text)
                }
            }
        }
    }

    @Test(
        "what a server refuses is reported in /readyz and, once, in the log, with its cure, and never the password",
        arguments: [
            ([["CONFIG", "SET", "requirepass", "hidden"]], [:], "asks for a password: set REDIS_PASSWORD"),
            (
                [["CONFIG", "SET", "requirepass", "hidden"]], ["REDIS_PASSWORD": "hidden-too"],
                "refuses the user name or the password: check REDIS_USER and REDIS_PASSWORD"
            ),
            ([], ["REDIS_PASSWORD": "hidden"], "does not take a password, or a user name"),
            (
                [["ACL", "SETUSER", "app", "on", ">hidden", "~*", "+@all", "-info"]],
                ["REDIS_USER": "app", "REDIS_PASSWORD": "hidden"], "grant +info"
            ),
            (
                [["ACL", "SETUSER", "app", "on", ">hidden", "~*", "+@all", "-select"]],
                ["REDIS_USER": "app", "REDIS_PASSWORD": "hidden", "REDIS_DATABASE": "1"], "grant +select"
            ),
            ([], ["REDIS_DATABASE": "16"], "has no database 16: check REDIS_DATABASE"),
        ])
    func refusals(commands: [[String]], environment: [String: String], cure: String) async throws {
        try await withMaster(prepared: commands, environment: environment) { cluster, proxy in
            try await cluster.wait(untilReadinessSays: cure)
            let answers = try await cluster.http(
                "app", .get("/readyz"), .get("/get?key=k"), .set(#"{"key":"k","value":"v"}"#))
            let isDenied = !cure.contains("REDIS_DATABASE")
            #expect(answers.map(\.status) == (isDenied ? [503, 502, 502] : [503, 503, 503]))
            #expect(answers[2].code == (isDenied ? "redis-denied" : "redis-unavailable"))
            let attempts = proxy.accepted
            try await cluster.wait(until: "the app has tried several times more", of: "app") {
                Observation(proxy.accepted >= attempts + 3, else: "\(proxy.accepted)")
            }
            let log = try await cluster.log(of: "app")
            #expect(log.split(separator: "\n").count { $0.contains(cure) } == 1, "\(log)")
            #expect(!log.contains("hidden"))
            #expect(!answers[0].text.contains("hidden"))
        }
    }
}
