public import RedisConf

/// What `check` tells: every setting that will be in effect with where it comes from, and everything that is wrong.
///
/// Unlike a ``Plan`` there is a report also where the start would be refused.
public struct Report: Equatable, Sendable {
    /// A directive as the server will have it.
    public struct Setting: Equatable, Sendable {
        public var directive: DirectiveName
        public var arguments: [[UInt8]]
        public var origin: Origin
        /// Whether the rewrite puts it there; else the file says so.
        public var isDecided: Bool

        /// The arguments for showing: secrets are hidden.
        public var shownArguments: [String] {
            directive.isSecret && arguments != [[]] ? ["********"] : arguments.map(shown)
        }
    }

    public var role: Role
    public var source: [UInt8]?
    /// By name; lines that add up stay in their order.
    public var settings: [Setting]
    public var diagnostics: [Diagnostic]
    /// 0, or what the start would end with.
    public var exitCode: Int32

    public init<Files: MachineFiles>(
        _ invocation: Invocation, environment: Environment, identity: Identity, files: Files
    ) throws(PlanError) {
        var planner = try Planner(invocation, environment: environment, identity: identity, files: files)
        planner.decide()
        let flags = planner.decideFlags()
        planner.checkArguments(flags)
        role = planner.role
        source = planner.source
        settings = planner.settings(
            overruledBy: [
                (ServerArguments(invocation.serverArguments), .arguments),
                (ServerArguments(flags), .environment("REDIS_EXTRA_FLAGS")),
            ])
        diagnostics = planner.diagnostics
        let limit: Diagnostic.Severity = invocation.isStrict ? .warning : .error
        exitCode =
            diagnostics.contains { $0.severity >= limit } ? PlanError.refused(diagnostics).exitCode : 0
    }
}

extension Planner {
    /// Whether other rules stand in this line's place.
    private func replaces(_ entry: Document.Entry) -> Bool {
        entry.name == "user" && DefaultUser.isNamed(by: entry.values)
            && decisions.contains { $0.directive == "user" && $0.action == .replaced }
    }

    /// What will be in effect: the files' lines, overruled by what was decided, overruled by redis-server's arguments.
    fileprivate func settings(overruledBy arguments: [(ServerArguments, Origin)]) -> [Report.Setting] {
        var result: [Report.Setting] = []
        for setting in effective.settings where setting.entry.name != "include" {
            let name = setting.entry.name
            if setting.file == 0, replaces(setting.entry) { continue }
            if !name.accumulates {
                if decisions.contains(where: { $0.directive == name }) { continue }
                result.removeAll { $0.directive == name }
            }
            result.append(
                Report.Setting(
                    directive: name, arguments: setting.entry.values, origin: origin(of: setting), isDecided: false))
        }
        for (index, decision) in decisions.enumerated() where decision.action != .removed {
            let isOverruled = decisions[(index + 1)...].contains { $0.directive == decision.directive }
            if isOverruled, !decision.directive.accumulates { continue }
            result.append(
                Report.Setting(
                    directive: decision.directive, arguments: decision.arguments, origin: decision.origin,
                    isDecided: true))
        }
        for (arguments, origin) in arguments {
            for setting in arguments.settings {
                if !setting.name.accumulates { result.removeAll { $0.directive == setting.name } }
                result.append(
                    Report.Setting(
                        directive: setting.name, arguments: setting.values, origin: origin, isDecided: false))
            }
        }
        // Stable, so that lines that add up keep their order.
        return result.enumerated().sorted {
            ($0.element.directive.text, $0.offset) < ($1.element.directive.text, $1.offset)
        }.map(\.element)
    }
}
