import ReplicaPlanning

/// Tells what a start would do, on standard output, and ends as it would.
enum Check {
    static func perform(_ invocation: Invocation) throws(Failure) {
        let report = try decide { () throws(PlanError) in
            try Report(
                invocation, environment: Host.environment, identity: Host.identity, files: LiveFiles(),
                server: { InstalledRelease.release }, hasFeature: InstalledRelease.has)
        }
        switch invocation.format {
        case .text: Terminal.print(report.text(hasColours: Terminal.hasColours))
        case .json: Terminal.print(report.json)
        }
        if report.exitCode != 0 { Host.exit(report.exitCode) }
    }
}
