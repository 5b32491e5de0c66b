import Glibc
import LocalTopology
import Testing

@Suite("The OpenAPI document is what the app does")
struct OpenAPITests {
    /// Thousands of requests made of the document: good ones, and ones that are wrong in every place.
    @Test("schemathesis finds no answer that is not documented, and none that says that the app failed")
    func conformance() async throws {
        let system = try KeyValueCluster(apps: 1)
        let scratch = try Scratch()
        let tool = Scratch.root + "/.build-tools/venv/bin/schemathesis"
        try #require(access(tool, X_OK) == 0, "make test installs it: scripts/python-tools")
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            let run = try Spawned(
                tool,
                [
                    "--config-file", Scratch.root + "/scripts/schemathesis.toml", "run",
                    "http://\(system.apps[0].endpoint)/openapi.json", "--checks", "all", "--seed", "20261121",
                    // Its stream does not end; it has its own test.
                    "--exclude-path", "/v1/topology/events", "--phases", "examples,coverage,fuzzing",
                    "--max-examples", "40", "--request-timeout", "15", "--max-response-time", "15", "--no-color",
                ],
                environment: ["PATH": "/usr/bin:/bin", "HOME": scratch.path], in: scratch.path,
                log: scratch["schemathesis.log"])
            let ending = run.ended(within: 120)
            #expect(ending == .exited(0), "\(run.output)")
            #expect(run.output.contains("Tested: "), "\(run.output)")
        }
    }
}
