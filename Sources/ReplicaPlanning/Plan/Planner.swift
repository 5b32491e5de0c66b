import RedisConf
import RedisCore

extension Plan {
    /// Decides everything from the environment, the arguments and the files, and changes nothing.
    ///
    /// - Throws: ``PlanError/refused(_:)`` with every problem found, if one of them is an error (or a warning, where
    ///   the invocation is strict).
    /// - Parameters:
    ///   - master: the server to follow, regardless of the environment.
    ///   - server: asks the installed server for its version; called where no variable tells and the answer changes something.
    public init<Files: MachineFiles>(
        _ invocation: Invocation, environment: Environment, identity: Identity, files: Files,
        following master: FollowedMaster? = nil, server: () -> ServerRelease? = { nil }
    ) throws(PlanError) {
        try self.init(
            invocation, environment: environment, identity: identity, files: files, following: master, sentinel: nil,
            server: server)
    }

    /// - Parameter word: what Sentinel said; `nil`: it was not asked yet.
    package init<Files: MachineFiles>(
        _ invocation: Invocation, environment: Environment, identity: Identity, files: Files,
        following master: FollowedMaster? = nil, sentinel word: SentinelWord?, server: () -> ServerRelease? = { nil }
    ) throws(PlanError) {
        let environment = master.map(environment.following) ?? environment
        var planner = try Planner(
            invocation, environment: environment, identity: identity, files: files, server: server)
        planner.heedsRecord = master == nil
        // The servers that answered the guard are asked after Sentinel, and know better.
        planner.sentinelWord = master == nil ? word : .nothing
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
    /// How long the guard asks, and Sentinel is asked.
    var guardTimeout: Int?
    /// Programs to look for, the likelier first.
    let servers: [String]
    let source: [UInt8]?
    /// What is in effect before anything is changed.
    let effective: EffectiveConfiguration
    var document: Document
    var role = Role.replica
    /// A node of a fail-over installation: the agent beside it says whom it follows, and when it leads.
    var awaitsLeader = false
    /// Whether the sidecar's record counts; the sidecar itself asks what would be without it.
    var heedsRecord = true
    /// Which Sentinels are followed; nil where none is.
    var sentinel: SentinelSettings?
    /// What they said; nil: they were not asked yet.
    var sentinelWord: SentinelWord?
    /// The mode that the variables give a server that follows Sentinel.
    var sentinelMode = Role.replica
    /// The master that environment or file name; nil where there is none.
    var configuredMaster: NamedMaster?
    /// The lines `user default` of the main file that take the given password.
    var linesWithPassword: [Position] = []
    var privileges = Privileges.keep
    var filesToRead: [[UInt8]] = []
    var decisions: [Decision] = []
    var diagnostics: [Diagnostic] = []

    init(
        _ invocation: Invocation, environment: Environment, identity: Identity, files: Files,
        server: () -> ServerRelease? = { nil }
    ) throws(PlanError) {
        self.invocation = invocation
        self.environment = environment
        self.identity = identity
        self.files = files
        var dialect = Dialect(environment)
        servers = dialect.servers
        let named = invocation.configuration ?? environment["REDIS_CONFIG_FILE"]
        let path = named ?? utf8("/etc/redis/redis.conf")
        do throws(FileProblem) {
            document = Document(try ConfigurationBounds.contents(ofFile: path, in: files), quotes: dialect.quotes)
            source = path
        } catch {
            guard named == nil, error == .missing else {
                throw .refused([Diagnostic(.error, .configurationUnreadable(path: path, error))])
            }
            document = Document(quotes: dialect.quotes)
            source = nil
        }
        var effective = EffectiveConfiguration(
            document, path: path, folder: identity.workingFolder, expandsGlobs: dialect.has(7, 0), files: files)
        if dialect.version == nil, Self.dependsOnVersion(effective, invocation, environment), let release = server() {
            dialect = dialect.settled(by: release)
            document = Document(effective.original, quotes: dialect.quotes)
            effective = EffectiveConfiguration(
                document, path: path, folder: identity.workingFolder, expandsGlobs: dialect.has(7, 0), files: files)
        }
        self.dialect = dialect
        self.effective = effective
    }

    /// All that a start takes from variables, arguments and files. `run` and `check` both ask here, and so refuse the same.
    mutating func decideStart() -> (
        flags: [[UInt8]], guardSettings: GuardSettings?, sentinel: SentinelQuestion?
    ) {
        decide()
        let flags = decideFlags()
        checkArguments(flags)
        let arguments = invocation.serverArguments + flags
        let guardSettings = decideGuard(arguments: arguments)
        return (flags, guardSettings, sentinelQuestion(arguments: arguments, timeoutSeconds: guardTimeout))
    }

    /// Whether what was found stops the start.
    var isRefused: Bool {
        let limit: Diagnostic.Severity = invocation.isStrict ? .warning : .error
        return diagnostics.contains { $0.severity >= limit }
    }

    /// Every decision and every check, in the order in which they build on each other.
    mutating func decide() {
        checkNames()
        checkFaults()
        decideRole()
        decideSentinel()
        renamePrimaryNames()
        decideSecrets()
        decidePorts()
        decideNetwork()
        decideMaster()
        decideContainer()
        decidePrivileges()
        decideSocket()
        checkTraps()
        checkRenamedCommands()
        checkSecretLines()
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
        note(name, arguments, from: origin, action)
    }

    /// Notes a decision, under the name of the variable that was really read.
    mutating func note(
        _ name: DirectiveName, _ arguments: [[UInt8]], from origin: Origin, _ action: Decision.Action
    ) {
        decisions.append(
            Decision(directive: name, arguments: arguments, origin: actual(origin) ?? origin, action: action))
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
        diagnostics.append(Diagnostic(severity, problem, at: actual(origin)))
    }

    /// A variable that is `yes` or `no`; nil where it is not set.
    mutating func switchValue(_ variable: String) -> Bool? {
        guard let value = environment[variable] else { return nil }
        if ["yes", "true", "1", "on"].contains(where: { equalsIgnoringCase(value, $0) }) { return true }
        if ["no", "false", "0", "off"].contains(where: { equalsIgnoringCase(value, $0) }) { return false }
        report(.error, .malformedSwitch(value), at: .environment(variable))
        return nil
    }

    /// A port from the first of these variables that holds one. Service links are ignored with a note.
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
        let (flags, startupGuard, sentinel) = decideStart()
        if isRefused { throw .refused(diagnostics) }
        let name = configurationName
        let arguments = serverArguments(invocation.serverArguments + flags)
        let folder = dataFolder(arguments)
        return Plan(
            role: role, source: source, original: effective.original, configuration: document.rendered(),
            holdsSecret: document.hasSecrets,
            places: (source.map { [.file($0)] } ?? []) + [
                .folder(Self.folderForConfigurations, name: name),
                .freshFolder(prefix: utf8("/tmp/redis-replica-init."), name: name),
            ],
            servers: servers, serverArguments: invocation.serverArguments + flags,
            dataFolder: folder, ownedFiles: ownedFiles(in: folder, arguments), privileges: privileges,
            fixesOwnership: privileges != .keep && !isSet("SKIP_FIX_PERMS"), filesToRead: filesToRead,
            data: dataSettings(arguments), startupGuard: startupGuard,
            sentinel: sentinelWord == nil ? sentinel : nil, decisions: decisions, diagnostics: diagnostics)
    }
}
