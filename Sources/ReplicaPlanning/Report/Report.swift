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
        package var isDecided: Bool
        public var change = Change.kept
        /// How many of the arguments may be shown; nil where all may.
        public var shownArgumentCount: Int?
        /// False where a secret may be a part of the name.
        public var mayShowName = true

        /// The name for showing.
        package var shownName: String { mayShowName ? directive.text : "********" }

        /// The arguments for showing: secrets are hidden.
        package var shownArguments: [String] {
            let count = shownArgumentCount ?? (directive.isSecret && arguments != [[]] ? 0 : arguments.count)
            return arguments.prefix(count).map(shown) + (arguments.count > count ? ["********"] : [])
        }
    }

    /// What a start does to a line of the files.
    public enum Change: Equatable, Sendable {
        /// The files say so already.
        case kept
        /// They say something else; of lines that add up it is not known which one it was.
        case changed(from: Former?)
        /// They do not have it.
        case added
        /// The server will not have it; the arguments are those of the file.
        case removed
    }

    /// What the files have in a setting's place.
    public struct Former: Equatable, Sendable {
        /// For showing: secrets are hidden.
        package var shownArguments: [String]
        public var origin: Origin
    }

    public var role: Role
    public var source: [UInt8]?
    /// By name; lines that add up stay in their order.
    public var settings: [Setting]
    public var diagnostics: [Diagnostic]
    /// 0, or what the start would end with.
    public var exitCode: Int32

    /// - Parameters:
    ///   - server: asks the installed server for its version; `REDIS_VERSION` and its like win over it.
    ///   - hasFeature: asks the installed server how it was built; nil where it does not say.
    public init<Files: MachineFiles>(
        _ invocation: Invocation, environment: Environment, identity: Identity, files: Files,
        server: () -> ServerRelease? = { nil }, hasFeature: (BuildFeature) -> Bool? = { _ in nil }
    ) throws(PlanError) {
        var planner = try Planner(
            invocation, environment: environment, identity: identity, files: files, server: server)
        let flags = planner.decideStart().flags
        role = planner.role
        source = planner.source
        let arguments: [(ServerArguments, Origin)] = [
            (planner.serverArguments(invocation.serverArguments), .arguments),
            (planner.serverArguments(flags), .environment(environment.actualName("REDIS_EXTRA_FLAGS"))),
        ]
        planner.checkStart(
            planner.dialect.release ?? server() ?? .unknown, arguments: arguments, hasFeature: hasFeature)
        settings = planner.settings(overruledBy: arguments)
        diagnostics = planner.diagnostics
        exitCode = planner.isRefused ? PlanError.refused(diagnostics).exitCode : 0
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
                    directive: name, arguments: setting.entry.values, origin: origin(of: setting), isDecided: false,
                    shownArgumentCount: setting.entry.shownArgumentCount, mayShowName: setting.entry.mayShowName))
        }
        for (index, decision) in decisions.enumerated() {
            let isOverruled = decisions[(index + 1)...].contains { $0.directive == decision.directive }
            if isOverruled, !decision.directive.accumulates { continue }
            guard decision.action != .removed else {
                if let removed = removed(decision) { result.append(removed) }
                continue
            }
            result.append(
                Report.Setting(
                    directive: decision.directive, arguments: decision.arguments, origin: decision.origin,
                    isDecided: true, change: change(to: decision)))
        }
        for (arguments, origin) in arguments {
            for setting in arguments.settings {
                if !setting.name.accumulates { result.removeAll { $0.directive == setting.name } }
                result.append(
                    Report.Setting(
                        directive: setting.name, arguments: setting.values, origin: origin, isDecided: false,
                        change: change(of: setting.name, to: setting.values),
                        shownArgumentCount: setting.shownArgumentCount, mayShowName: setting.mayShowName))
            }
        }
        // Stable, so that lines that add up keep their order.
        return result.enumerated().sorted {
            ($0.element.directive.text, $0.offset) < ($1.element.directive.text, $1.offset)
        }.map(\.element)
    }
    private func change(to decision: Decision) -> Report.Change {
        guard decision.directive.accumulates else { return change(of: decision.directive, to: decision.arguments) }
        return switch decision.action {
        case .kept, .removed: .kept
        case .replaced: .changed(from: nil)
        case .appended: .added
        }
    }

    /// What the files' line becomes; those of a directive that adds up stay beside the new one.
    private func change(of name: DirectiveName, to arguments: [[UInt8]]) -> Report.Change {
        guard !name.accumulates, let line = line(of: name) else { return .added }
        guard line.arguments != arguments else { return .kept }
        return .changed(from: Report.Former(shownArguments: line.shownArguments, origin: line.origin))
    }

    private func removed(_ decision: Decision) -> Report.Setting? {
        guard var line = line(of: decision.directive) else { return nil }
        line.origin = decision.origin
        line.change = .removed
        return line
    }

    /// The files' line that is in effect before anything is changed.
    private func line(of name: DirectiveName) -> Report.Setting? {
        guard let setting = effective.last(name) else { return nil }
        return Report.Setting(
            directive: name, arguments: setting.entry.values, origin: origin(of: setting), isDecided: false,
            shownArgumentCount: setting.entry.shownArgumentCount, mayShowName: setting.entry.mayShowName)
    }
}
