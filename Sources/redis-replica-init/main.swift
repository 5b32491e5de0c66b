import ReplicaInit

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
        let plan = try makePlan(invocation)
        let server = try Server.find(plan.servers)
        try GuardWatch.perform(plan)
        try DataFolder.prepare(plan)
        let configuration = try ConfigurationWriter(plan).write()
        try plan.privileges.assume()
        try DataFolder.check(plan)
        try Server.checkReadable([configuration] + plan.filesToRead)
        try Host.clean()
        try Server.execute(server, [configuration] + plan.serverArguments)
    }
} catch {
    Terminal.complain(error.lines)
    Host.exit(error.exitCode)
}

/// The plan, its notes and warnings told.
func makePlan(_ invocation: Invocation) throws(Failure) -> Plan {
    let plan = try decide { () throws(PlanError) in
        try Plan(invocation, environment: Host.environment, identity: Host.identity, files: LiveFiles())
    }
    Terminal.complain(plan.diagnostics.map(\.description))
    return plan
}

/// Runs a decision; its errors become failures of the program.
func decide<Value>(_ body: () throws(PlanError) -> Value) throws(Failure) -> Value {
    do throws(PlanError) { return try body() } catch { throw .plan(error) }
}
