import ReplicaInit

/// Tells what a start would do, on standard output, and ends as it would.
enum Check {
    static func perform(_ invocation: Invocation) throws(Failure) {
        let report = try decide { () throws(PlanError) in
            try Report(invocation, environment: Host.environment, identity: Host.identity, files: LiveFiles())
        }
        switch invocation.format {
        case .text: Terminal.print(report.text)
        case .json: Terminal.print(report.json)
        }
        if report.exitCode != 0 { Host.exit(report.exitCode) }
    }
}
