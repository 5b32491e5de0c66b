import LocalTopology
import SystemPackage
import Testing

@Suite("Each program has a manual page that says what its help says")
struct ManualPageTests {
    @Test("the pages are what the programs say of themselves")
    func pages() throws {
        let scratch = try Scratch()
        let programs = try Programs.built("KVApp").removingLastComponent().string
        let run = try Spawned(
            "/usr/bin/python3", ["-B", "\(Scratch.root)/scripts/generate-manual-pages", "--check", programs],
            environment: ["PATH": "/usr/bin:/bin"], in: scratch.path, log: scratch["output"])
        #expect(run.ended(within: 60) == .exited(0), "\(run.output)")
        for program in ["KVApp", "kv-local", "redis-replica-init", "redis-replica-sidecar"] {
            let page = try DocumentTests.read("docs/\(program).1")
            #expect(page.contains("\n.Nm \(program)\n"), "\(program)")
        }
    }
}
