public import RedisConf

/// What would end the server while it starts, and what it would read differently than expected. Only `check` looks for it,
/// but for lines that may hold a secret, which the server would print.
public enum StartProblem: Equatable, Sendable {
    /// - Parameters:
    ///   - name: where another server knows it; else what stands there is not shown, for it may be a password.
    ///   - others: the servers that know it.
    ///   - instead: what this server calls it, or what was most likely meant.
    case unknownDirective(name: String?, others: [String], instead: String?, server: String)
    case refusedArguments(DirectiveName, ArgumentFault, server: String)
    case moduleSettingWithoutModule
    case saveWithoutEffect(server: String)
    case userTwice(server: String)
    /// A rule of a user; only its kind is shown.
    case refusedRule(String, server: String)
    case malformedUserFile
    case unknownCommand(server: String)
    case commandNameTaken(server: String)
    /// A file that a directive names.
    case unreadable(DirectiveName, path: [UInt8], FileProblem)
    /// A file that is there and cannot be what the directive needs.
    case wrongFile(DirectiveName, path: [UInt8], needed: String)
    case folderMissing(DirectiveName, path: [UInt8])
    /// Something else is there, or on the way to it.
    case notAFolder(DirectiveName, path: [UInt8])
    case folderNameTooLong(DirectiveName, path: [UInt8])
    case folderNotWritable(DirectiveName, path: [UInt8])
    case socketPathTooLong
    case tlsFileNotNamed(DirectiveName)
    case notBuilt(BuildFeature, server: String)
    case onePortTwice
    case clusterPortTooHigh
}

extension StartProblem {
    /// As a start ends for the same reason.
    var exitCode: Int32 {
        switch self {
        case .folderNotWritable, .unreadable(_, _, .denied): ExitCode.permission
        case .notAFolder, .folderNameTooLong, .unreadable(_, _, .folder), .unreadable(_, _, .tooLarge),
            .unreadable(_, _, .failed):
            ExitCode.inputOutput
        default: ExitCode.configuration
        }
    }

    var message: String {
        switch self {
        case .unknownDirective(let name?, let others, _, let server):
            "\(server) does not know \(name)"
                + (others.isEmpty ? ", which every server has given up" : "; \(others.joined(separator: ", ")) would")
        case .unknownDirective(nil, _, _, let server): "this line begins with no directive of \(server)"
        case .refusedArguments(let name, .count(let wanted), let server):
            "\(server) refuses this number of arguments: \(name) takes \(wanted)"
        case .refusedArguments(let name, .value(let value, let wanted), let server):
            "\(server) refuses \(name.isSecret ? "this" : shown(value)): \(name) takes \(wanted)"
        case .moduleSettingWithoutModule: "a module's setting, and no module is loaded"
        case .saveWithoutEffect(let server): "\(server) takes this line and sets no save point by it"
        case .userTwice(let server): "\(server) refuses a second line about the same user"
        case .refusedRule(let rule, let server): "\(server) refuses a rule of this user: \(rule)"
        case .malformedUserFile: "every line of a file of users begins with user and a name"
        case .unknownCommand(let server): "\(server) has no such command to rename"
        case .commandNameTaken(let server): "the new name is that of another command of \(server)"
        case .unreadable(let name, let path, let problem):
            "\(name) names \(shownPath(path)), which cannot be read: \(problem.reason)"
        case .wrongFile(let name, let path, let needed): "\(name) names \(shownPath(path)), which is not \(needed)"
        case .folderMissing(let name, let path): "\(name) needs the folder \(shownPath(path)), which is not there"
        case .notAFolder(let name, let path): "\(name) needs a folder, and \(shownPath(path)) is none"
        case .folderNameTooLong(let name, let path):
            "\(name) names \(shownPath(Array(path.prefix(64))))…, and a path has at most 4095 bytes, each name in it 255"
        case .folderNotWritable(let name, let path):
            "\(name) needs the folder \(shownPath(path)), and the server cannot write to it"
        case .socketPathTooLong: "the path of a Unix socket has at most 107 bytes"
        case .tlsFileNotNamed(let name): "TLS is on, and \(name) is not set"
        case .notBuilt(let feature, let server): "this \(server) was built without \(feature.rawValue)"
        case .onePortTwice: "port and tls-port are the same"
        case .clusterPortTooHigh: "the cluster's own port is 10000 above port, and so above 65535"
        }
    }

    var cure: String {
        switch self {
        case .unknownDirective(_, _, let instead?, _): "write \(instead)"
        case .unknownDirective(let name?, let others, nil, _) where !name.isEmpty && !others.isEmpty:
            "remove the line, or use a server that knows it"
        case .unknownDirective: "remove the line, or correct its first word"
        case .refusedArguments: "correct the line"
        case .moduleSettingWithoutModule: "add the module's loadmodule line, or remove this one"
        case .saveWithoutEffect: "put each pair of seconds and changes on a save line of its own"
        case .userTwice: "put all rules of a user on one line"
        case .refusedRule: "correct the rule; ACL CAT and COMMAND LIST name what the server knows"
        case .malformedUserFile: "remove comments and other lines"
        case .unknownCommand: "remove the line"
        case .commandNameTaken: "choose another name"
        case .unreadable(_, _, .tooLarge): "shorten it, or name the right file"
        case .unreadable: "mount the file, make it readable for the server's user, or remove the line"
        case .wrongFile: "name the right file"
        case .notAFolder: "mount a volume there, or name another folder"
        case .folderNameTooLong: "choose a shorter one"
        case .folderMissing: "mount the folder, or name another one"
        case .folderNotWritable: "set securityContext.fsGroup, or name another folder"
        case .socketPathTooLong: "choose a shorter one"
        case .tlsFileNotNamed: "set REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE and REDIS_TLS_CA_FILE"
        case .notBuilt: "remove the line, or use another build"
        case .onePortTwice: "set one of them to 0"
        case .clusterPortTooHigh: "set cluster-port, or a lower port"
        }
    }
}

extension StartProblem {
    /// What no file system has room for.
    package static func ofName(_ name: DirectiveName, path: [UInt8]) -> StartProblem? {
        let isTooLong = path.count > 4095 || path.split(separator: UInt8(ascii: "/")).contains { $0.count > 255 }
        return isTooLong ? .folderNameTooLong(name, path: path) : nil
    }
}
