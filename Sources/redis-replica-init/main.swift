import ReplicaPlanning

// From the environment to redis-server: decide, say what was found, write, become the right user, exec.
do throws(Failure) {
    Host.prepare()
    let invocation = try decide { () throws(PlanError) in try Invocation(Host.arguments) }
    switch invocation.verb {
    case .help: Terminal.print(Usage.text)
    case .version: Terminal.print(Usage.version)
    case .render:
        let plan = try makePlan(invocation)
        Terminal.print(invocation.showsSecrets ? plan.configuration : plan.redactedConfiguration)
    case .check: try Check.perform(invocation)
    case .probe: try Probe.perform(invocation)
    case .run:
        var plan = try makePlan(invocation)
        let server = try Server.find(plan.servers)
        try DataFolder.judge(plan)
        if let word = try SentinelWatch.perform(plan) {
            plan = try makePlan(invocation, sentinel: word, told: plan.diagnostics)
        }
        let outcome = try GuardWatch.perform(plan)
        if case .following(let master) = outcome {
            plan = try makePlan(invocation, following: master, told: plan.diagnostics)
        }
        let configuration = try ConfigurationWriter(plan).write()
        try DataFolder.prepare(plan)
        try KeptFiles.prepare(plan, outcome)
        try plan.privileges.assume()
        try DataFolder.check(plan, as: .keep)
        try Server.checkReadable([configuration] + plan.filesToRead, as: .keep)
        try Host.clean()
        try Server.execute(server, [configuration] + plan.serverArguments)
    }
} catch {
    Terminal.complain(error.lines)
    Host.exit(error.exitCode)
}

/// The plan. Logs its notes and warnings, except those that were logged before.
func makePlan(
    _ invocation: Invocation, following master: FollowedMaster? = nil, sentinel word: SentinelWord? = nil,
    told: [Diagnostic] = []
) throws(Failure) -> Plan {
    let plan = try decide { () throws(PlanError) in
        try Plan(
            invocation, environment: Host.environment, identity: Host.identity, files: LiveFiles(), following: master,
            sentinel: word, server: { InstalledRelease.release })
    }
    Terminal.complain(plan.diagnostics.filter { !told.contains($0) }.map(\.description))
    return plan
}

/// Runs a decision; its errors become failures of the program.
func decide<Value>(_ body: () throws(PlanError) -> Value) throws(Failure) -> Value {
    do throws(PlanError) { return try body() } catch { throw .plan(error) }
}
