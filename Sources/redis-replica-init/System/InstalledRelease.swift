import ReplicaPlanning

/// What the server on the `PATH` says it is. It is asked once, and only where something turns on the answer.
enum InstalledRelease {
    /// Nil where there is none, or where it says nothing that is known.
    static let release: ServerRelease? = program.flatMap { ServerProgram.output(of: $0) }
        .flatMap { ServerRelease(versionOutput: $0) }

    /// Whether it was built with something; nil where it does not say.
    static func has(_ feature: BuildFeature) -> Bool? {
        guard let program, let answer = ServerProgram.output(of: program, feature.trial, withErrors: true) else {
            return nil
        }
        return feature.isPresent(by: String(decoding: answer, as: UTF8.self))
    }

    private static let program = try? Server.find(Dialect(Host.environment).servers)
}
