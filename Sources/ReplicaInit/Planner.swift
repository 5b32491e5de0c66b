import RedisConf

extension Plan {
    /// Decides everything from the environment, the arguments and the files, and changes nothing.
    ///
    /// - Throws: ``PlanError/refused(_:)`` with every problem found, if one of them is an error (or a warning, where
    ///   the invocation is strict).
    public init<Files: MachineFiles>(
        _ invocation: Invocation, environment: Environment, identity: Identity, files: Files
    ) throws(PlanError) {
        var planner = try Planner(invocation, environment: environment, identity: identity, files: files)
        planner.decide()
        self = try planner.plan()
    }
}

/// Collects decisions and problems on the way to a ``Plan``.
struct Planner<Files: MachineFiles> {
    let invocation: Invocation
    let environment: Environment
    let identity: Identity
    let files: Files
    let dialect: Dialect
    let source: [UInt8]?
    /// What is in effect before anything is changed.
    let effective: EffectiveConfiguration
    var document: Document
    var role = Role.replica
    /// Whether the sidecar's record counts; the sidecar itself asks what would be without it.
    var heedsRecord = true
    /// Whom environment or file name; nil where nobody is followed.
    var configuredMaster: NamedMaster?
    /// The lines `user default` of the main file that take the given password.
    var linesWithPassword: [Position] = []
    var privileges = Privileges.keep
    var filesToRead: [[UInt8]] = []
    var decisions: [Decision] = []
    var diagnostics: [Diagnostic] = []

    init(
        _ invocation: Invocation, environment: Environment, identity: Identity, files: Files
    ) throws(PlanError) {
        self.invocation = invocation
        self.environment = environment
        self.identity = identity
        self.files = files
        dialect = Dialect(environment)
        let named = invocation.configuration ?? environment["REDIS_CONFIG_FILE"]
        let path = named ?? utf8("/etc/redis/redis.conf")
        do throws(FileProblem) {
            document = Document(try files.contents(ofFile: path))
            source = path
        } catch {
            guard named == nil, error == .missing else {
                throw .refused([Diagnostic(.error, .configurationUnreadable(path: path, error))])
            }
            document = Document()
            source = nil
        }
        effective = EffectiveConfiguration(
            document, path: path, folder: identity.workingFolder, expandsGlobs: dialect.has(7, 0), files: files)
    }

    /// Every decision and every check, in the order in which they build on each other.
    mutating func decide() {
        checkFaults()
        decideRole()
        decideSecrets()
        decidePorts()
        decideNetwork()
        decideMaster()
        decideContainer()
        decidePrivileges()
        decideSocket()
        checkTraps()
        checkVariables()
    }

    /// Makes a directive have these arguments, where it stands or, if an included file would win, at the end.
    mutating func set(
        _ name: DirectiveName, to arguments: [[UInt8]], from origin: Origin, spelled spelling: String? = nil,
        keepingEarlier: Bool = false
    ) {
        let isIncluded = effective.last(name).map { $0.file != 0 } ?? false
        let outcome = document.set(
            name, to: arguments, spelled: spelling, placement: isIncluded ? .atEnd : .whereEffective,
            keepingEarlier: keepingEarlier)
        let action: Decision.Action =
            switch outcome {
            case .unchanged: .kept
            case .replaced: .replaced
            case .appended: .appended
            }
        decisions.append(Decision(directive: name, arguments: arguments, origin: origin, action: action))
    }

    /// The arguments that will be in effect: what was decided, else what the files say.
    func value(_ name: DirectiveName) -> [[UInt8]]? {
        if let decided = decisions.last(where: { $0.directive == name }) {
            return decided.action == .removed ? nil : decided.arguments
        }
        return effective.last(name)?.entry.values
    }

    /// The single argument that will be in effect.
    func scalar(_ name: DirectiveName) -> [UInt8]? { value(name)?.first }

    /// Whether a yes-or-no directive will be on.
    func isOn(_ name: DirectiveName) -> Bool { scalar(name).map { equalsIgnoringCase($0, "yes") } ?? false }

    func origin(of setting: EffectiveConfiguration.Setting) -> Origin {
        .file(path: effective.files[setting.file].path, setting.entry.position)
    }

    mutating func report(_ severity: Diagnostic.Severity, _ problem: Problem, at origin: Origin? = nil) {
        diagnostics.append(Diagnostic(severity, problem, at: origin))
    }

    /// A variable that is `yes` or `no`; nil where it is not set.
    mutating func switchValue(_ variable: String) -> Bool? {
        guard let value = environment[variable] else { return nil }
        if ["yes", "true", "1", "on"].contains(where: { equalsIgnoringCase(value, $0) }) { return true }
        if ["no", "false", "0", "off"].contains(where: { equalsIgnoringCase(value, $0) }) { return false }
        report(.error, .malformedSwitch(value), at: .environment(variable))
        return nil
    }

    /// A port from the first of these variables that holds one. Service links are passed over with a note.
    mutating func port(from variables: [String]) -> (port: Int, origin: Origin)? {
        for variable in variables {
            guard let value = environment[variable] else { continue }
            if let port = Address.port(value) { return (port, .environment(variable)) }
            if Address.isServiceLink(value) {
                report(.note, .serviceLink, at: .environment(variable))
            } else {
                report(.error, .malformedPort(value), at: .environment(variable))
            }
        }
        return nil
    }

    /// Where a configuration is written that cannot be changed where it is; the containers of a pod share it.
    static var folderForConfigurations: [UInt8] { utf8("/run/redis") }

    /// The name that a written configuration has.
    var configurationName: [UInt8] {
        source.map { Array($0.split(separator: UInt8(ascii: "/")).last ?? []) } ?? utf8("redis.conf")
    }

    mutating func decideFlags() -> [[UInt8]] {
        guard let flags = environment["REDIS_EXTRA_FLAGS"] else { return [] }
        if let tokens = try? splitArguments(flags) { return tokens.map(\.bytes) }
        report(.error, .malformedFlags, at: .environment("REDIS_EXTRA_FLAGS"))
        return []
    }

    /// The finished plan.
    mutating func plan() throws(PlanError) -> Plan {
        let flags = decideFlags()
        checkArguments(flags)
        let birthGuard = decideGuard(arguments: invocation.serverArguments + flags)
        let limit: Diagnostic.Severity = invocation.isStrict ? .warning : .error
        if diagnostics.contains(where: { $0.severity >= limit }) { throw .refused(diagnostics) }
        let name = configurationName
        return Plan(
            role: role, source: source, original: effective.original, configuration: document.rendered(),
            holdsSecret: document.hasSecrets,
            places: (source.map { [.file($0)] } ?? []) + [
                .folder(Self.folderForConfigurations, name: name),
                .freshFolder(prefix: utf8("/tmp/redis-replica-init."), name: name),
            ],
            servers: dialect.servers, serverArguments: invocation.serverArguments + flags,
            dataFolder: scalar("dir") ?? utf8("/data"), privileges: privileges,
            fixesOwnership: privileges != .keep && !isSet("SKIP_FIX_PERMS"), filesToRead: filesToRead,
            birthGuard: birthGuard, decisions: decisions, diagnostics: diagnostics)
    }
}
