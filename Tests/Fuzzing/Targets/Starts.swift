import RedisConf
import ReplicaPlanning

private let password = "kept-secret-9f3b"

/// A redis.conf, then lines of variables, then an argument each, with zero bytes between them.
func checkStart(_ input: [UInt8]) throws(BrokenPromise) {
    let parts = parts(of: input, count: 2)
    let files = Files(main: parts[0])
    let variables = parts[1].split(separator: UInt8(ascii: "\n")).map(Array.init)
    let secrets = ["REDIS_PASSWORD=\(password)", "REDIS_MASTER_PASSWORD=\(password)"].map { Array($0.utf8) }
    let environment = Environment(entries: variables + secrets)
    let identity = Identity(userID: 999, groupID: 999, hostname: Array("pod-1".utf8))
    guard let invocation = try? Invocation(Array(parts[2...])) else { return }
    let plan: Plan
    do throws(PlanError) {
        plan = try Plan(invocation, environment: environment, identity: identity, files: files)
    } catch {
        try require(!"\(error)".contains(password), "no message holds a password", "\(error)")
        return
    }
    try require(!"\(plan.diagnostics)".contains(password), "no message holds a password", "\(plan.diagnostics)")
    try require(
        !plan.decisions.contains { $0.description.contains(password) }, "no decision shows a password",
        "\(plan.decisions)")
    // What was made is a configuration that a server reads, and one that is left as it is by the next start.
    let document = Document(plan.configuration, quotes: .endsToken)
    try require(!plan.configuration.contains(0), "no configuration that is made holds a NUL")
    guard plan.source != nil, document.faults.isEmpty else { return }
    do throws(PlanError) {
        let again = try Plan(
            invocation, environment: environment, identity: identity, files: Files(main: plan.configuration))
        try requireSame(again.configuration, plan.configuration)
    } catch {
        return
    }
}

/// Not a promise that a throw of another kind may end.
private func requireSame(_ again: [UInt8], _ once: [UInt8]) throws(PlanError) {
    precondition(again == once, "not kept: a second start changes nothing:\n\(text(once))\n---\n\(text(again))")
}

private struct Files: MachineFiles {
    let main: [UInt8]

    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        switch text(path) {
        case "/etc/redis/redis.conf": return main
        case "/etc/redis/more.conf": return Array("port 6380\nmaxmemory 1mb\n".utf8)
        case "/run/secrets/redis": return Array("\(password)\n".utf8)
        case "/run/secrets/denied": throw .denied
        default: throw .missing
        }
    }

    func names(inFolder path: [UInt8]) -> [[UInt8]] {
        text(path) == "/etc/redis" ? ["redis.conf", "more.conf"].map { Array($0.utf8) } : []
    }

    func exists(_ path: [UInt8]) -> Bool { isFolder(path) || (try? contents(ofFile: path)) != nil }

    func isFolder(_ path: [UInt8]) -> Bool { ["/", "/data", "/etc/redis", "/tmp", "/run"].contains(text(path)) }

    func canWrite(inFolder path: [UInt8], as account: Account?) -> Bool { isFolder(path) }
}
