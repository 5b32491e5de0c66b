import RedisConf

/// Where the local server is asked, and as whom: what the same environment and configuration make of it.
///
/// Nothing is remembered from the start: the probe decides again what the start decided, and mistakes that would stop a
/// start do not stop a probe.
public struct ProbeTarget: Equatable, Sendable {
    public enum Endpoint: Equatable, Sendable {
        case socket([UInt8])
        case tcp(host: [UInt8], port: Int)
        /// A port that speaks TLS only: it can be connected to, and not be asked.
        case tls(host: [UInt8], port: Int)
    }

    /// The one to be asked first first. Empty where the server listens nowhere.
    public var endpoints: [Endpoint]
    /// nil: the user default.
    public var user: [UInt8]?
    public var password: [UInt8]?
    /// Whether a replica without its link answers reads, as the configuration has it (`replica-serve-stale-data`): for a user
    /// who may not ask the server.
    public var servesStaleData = true

    public init<Files: MachineFiles>(
        _ options: ProbeOptions, _ invocation: Invocation, environment: Environment, identity: Identity, files: Files
    ) throws(PlanError) {
        var planner = try Planner(invocation, environment: environment, identity: identity, files: files)
        // Whom the server follows says nothing of where it is; the record may lie on a disk that hangs.
        planner.heedsRecord = false
        planner.decide()
        let arguments = invocation.serverArguments + planner.decideFlags()
        endpoints = planner.endpoints(options, overruledBy: planner.serverArguments(arguments))
        user = environment["REDIS_PROBE_USER"]
        password =
            planner.secret("REDIS_PROBE_PASSWORD")?.value ?? planner.serverArguments(arguments).last("requirepass")?
            .first
            ?? planner.ownPassword
        let serves =
            planner.serverArguments(arguments).last("replica-serve-stale-data")?.first
            ?? planner.scalar("replica-serve-stale-data")
        servesStaleData = serves.map { !equalsIgnoringCase($0, "no") } ?? true
    }
}

extension ProbeTarget.Endpoint: CustomStringConvertible {
    /// The socket's path, or `host:port`.
    public var description: String {
        switch self {
        case .socket(let path): String(decoding: path, as: UTF8.self)
        case .tcp(let host, let port), .tls(let host, let port): "\(String(decoding: host, as: UTF8.self)):\(port)"
        }
    }
}

extension Planner {
    fileprivate func endpoints(
        _ options: ProbeOptions, overruledBy arguments: ServerArguments
    ) -> [ProbeTarget.Endpoint] {
        func current(_ name: DirectiveName) -> [[UInt8]]? { arguments.last(name) ?? value(name) }
        func port(_ name: DirectiveName, default preset: Int) -> Int? {
            (current(name)?.first.map { number($0) ?? 0 } ?? preset).positive
        }
        if let socket = options.socket { return [.socket(socket)] }
        let hosts = options.host.map { [$0] } ?? Self.reachable(current("bind") ?? [])
        if let port = options.port { return hosts.map { .tcp(host: $0, port: port) } }
        var result: [ProbeTarget.Endpoint] = []
        if options.host == nil, let socket = current("unixsocket")?.first, !socket.isEmpty {
            // Redis makes it in the folder it is in by then.
            result.append(.socket(join(dataFolder(arguments), socket)))
        }
        if let port = port("port", default: 6379) {
            result += hosts.map { .tcp(host: $0, port: port) }
        } else if let port = port("tls-port", default: 0) {
            result += hosts.map { .tls(host: $0, port: port) }
        }
        return result
    }

    /// Where a server that binds these addresses is reached from inside: loopback before all others.
    private static func reachable(_ bind: [[UInt8]]) -> [[UInt8]] {
        let addresses = bind.map { $0.first == UInt8(ascii: "-") ? Array($0.dropFirst()) : $0 }
        var local: [[UInt8]] = []
        var own: [[UInt8]] = []
        for address in addresses where !address.isEmpty {
            switch address {
            case utf8("*"), utf8("0.0.0.0"): local.append(utf8("127.0.0.1"))
            case utf8("::*"), utf8("::"): local.append(utf8("::1"))
            case _ where Address.isLoopback(address): local.append(address)
            default: own.append(address)
            }
        }
        return local + own
    }

    /// The user default's password as far as the files tell it; an `aclfile` is not read.
    fileprivate var ownPassword: [UInt8]? {
        let lines = effective.all("user").filter { setting in
            // Such a line takes the one that is given.
            let isDecided = setting.file == 0 && linesWithPassword.contains(setting.entry.position)
            return DefaultUser.isNamed(by: setting.entry.values) && !isDecided
        }
        let plain = lines.flatMap { $0.entry.values }.last { $0.first == UInt8(ascii: ">") }
        return plain.map { Array($0.dropFirst()) } ?? scalar("requirepass").flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Int {
    fileprivate var positive: Int? { self > 0 ? self : nil }
}
