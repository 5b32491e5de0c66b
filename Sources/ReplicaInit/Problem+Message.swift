public import RedisConf

extension Problem {
    /// The exit code where this problem stops the start.
    var exitCode: Int32 {
        switch self {
        case .noServerUser: ExitCode.permission
        case .configurationUnreadable(_, let problem), .secretUnreadable(_, let problem):
            switch problem {
            case .missing: ExitCode.configuration
            case .denied: ExitCode.permission
            case .failed: ExitCode.inputOutput
            }
        default: ExitCode.configuration
        }
    }

    /// What is wrong, without its place and without secrets.
    public var message: String {
        switch self {
        case .unknownMode(let value): "unknown mode \(shown(value))"
        case .unknownHostsFrom(let value): "unknown way to find hosts \(shown(value))"
        case .masterMissing:
            "a replica needs a master, and neither REDIS_MASTER_SERVICE_HOST nor a replicaof line names one"
        case .malformedHost(let value): "\(shown(value)) is not a host name or address"
        case .malformedPort(let value): "\(shown(value)) is not a port"
        case .malformedAddress(let value): "\(shown(value)) is not an IP address"
        case .malformedSwitch(let value): "\(shown(value)) is neither yes nor no"
        case .malformedFlags: "unbalanced quotes"
        case .malformedSeconds(let value): "\(shown(value)) is not a number of seconds"
        case .unknownPolicy(let value): "\(shown(value)) is no way to treat an empty master"
        case .serviceLink: "ignored: it is the address of a Service, put there by Kubernetes"
        case .otherMaster(let used): "ignored: \(used) names another master and was set on purpose"
        case .secretTwice(let variable): "\(variable) and \(variable)_FILE are both set and differ"
        case .secretUnreadable(let path, let problem): "\(shownPath(path)) cannot be read: \(problem.reason)"
        case .secretEmpty: "the secret is empty"
        case .secretWithNUL: "the secret holds a NUL byte, at which this version would cut it"
        case .passwordRequired: "no password is set, and ALLOW_EMPTY_PASSWORD forbids that"
        case .podAddressMissing: "POD_IP is not set: the master may list this replica under its node's address"
        case .sentinelNotAsked: "ignored: this version does not ask Sentinel who the master is"
        case .recordUnusable: "the sidecar's record cannot be read; the environment decides"
        case .recordHeeded(let following, let instead):
            "follows \(following), not \(instead): decided after the environment was written"
        case .argumentOverrules(let name, _):
            "--\(name) overrules what was decided, and what depends on it was decided without"
        case .secretInArguments(let name): "--\(name) shows its secret to whoever lists processes"
        case .probesCannotAsk: "TLS only, and /run/redis is no folder that the server can write: probes cannot ask it"
        case .configurationUnreadable(let path, let problem): "\(shownPath(path)) cannot be read: \(problem.reason)"
        case .fault(let fault): fault.message
        case .inlineComment(let name): "# behind the arguments of \(name) is an argument, not a comment"
        case .secretArguments(let name):
            "\(name) takes exactly one argument; redis-server would print the line, secret included"
        case .malformedReplicaof: "replicaof takes a host and a port"
        case .includedReplicaof: "replicaof in an included file comes back at every restart, even after a promotion"
        case .shadowedReplicaof: "a later line overrules this replicaof"
        case .replicatesItself(let host, let port): "\(shown(host)) port \(port) is this server itself"
        case .clusterEnabled: "replicaof is forbidden with cluster-enabled yes"
        case .userWithACLFile: "user lines and aclfile exclude each other"
        case .openDespitePassword: "user default has nopass: the server would be open despite requirepass"
        case .passwordOverruled: "user default overrules requirepass"
        case .passwordReplaced: "user default overrules requirepass with another password: it takes the one given now"
        case .passwordBesideACLFile: "requirepass has no effect beside an aclfile"
        case .masterauthMissing:
            "this replica asks for a password, its master most likely too, and masterauth is not set"
        case .nothingListens: "port 0 without tls-port or unixsocket: nobody could connect"
        case .unprotected:
            "no password is set and every interface is bound: whoever reaches the port can read and write"
        case .needsVersion(let name, let version): "\(name) needs redis-server \(version)"
        case .fileMissing(let path): "\(shownPath(path)) does not exist"
        case .variableMissing(let name): "\(name) is not set"
        case .noServerUser(let names): "running as root, and /etc/passwd has no user \(names.joined(separator: " or "))"
        }
    }

    /// What to do about it.
    public var cure: String {
        switch self {
        case .unknownMode: "use replica, slave, master or standalone"
        case .unknownHostsFrom: "use dns or env"
        case .masterMissing:
            "create the Service redis-master before this pod, set REDIS_MASTER_SERVICE_HOST, or set GET_HOSTS_FROM=dns"
        case .malformedHost: "give a name or an address without scheme and port"
        case .malformedPort: "give a number from 1 to 65535"
        case .malformedAddress: "take it from status.podIP of the downward API"
        case .malformedSwitch: "use yes or no"
        case .malformedSeconds: "use a whole number from 0 to 86400"
        case .unknownPolicy: "use hold, wait, reseed or start"
        case .malformedFlags: "close the quote, and put a blank behind it"
        case .serviceLink: "enableServiceLinks: false keeps it out"
        case .otherMaster: "unset one of them"
        case .secretTwice: "keep one"
        case .secretUnreadable: "mount the secret there, readable for this user"
        case .secretEmpty: "put the password into it, or unset the variable"
        case .secretWithNUL: "choose a password without it"
        case .passwordRequired: "set REDIS_PASSWORD or REDIS_PASSWORD_FILE, or ALLOW_EMPTY_PASSWORD=yes"
        case .podAddressMissing: "set it from status.podIP of the downward API"
        case .sentinelNotAsked: "unset it, and name the master"
        case .recordUnusable: "remove it, or make it readable for this user"
        case .recordHeeded: "remove the file to have the environment decide, or name yet another master there"
        case .argumentOverrules(_, let variable): "set \(variable) instead"
        case .secretInArguments: "put it into a file and name that in REDIS_PASSWORD_FILE or REDIS_MASTER_PASSWORD_FILE"
        case .probesCannotAsk: "mount an emptyDir there, or set unixsocket in the configuration"
        case .configurationUnreadable: "mount it, make it readable for this user, or name another file"
        case .fault(let fault): fault.cure
        case .inlineComment: "put the comment on a line of its own"
        case .secretArguments: "put the secret in double quotes"
        case .malformedReplicaof: "write replicaof HOST PORT, or remove the line and set REDIS_MASTER_SERVICE_HOST"
        case .includedReplicaof: "move it into the main file or leave it to the environment"
        case .shadowedReplicaof: "it is removed; keep one line"
        case .replicatesItself: "name the master's address, or set REDIS_REPLICATION_MODE=master here"
        case .clusterEnabled: "remove cluster-enabled, or let the cluster replicate"
        case .userWithACLFile: "move the user lines into the aclfile"
        case .openDespitePassword: "remove the line, or give user default the password instead of nopass"
        case .passwordOverruled: "change the password there, or remove the line"
        case .passwordReplaced: "remove the line, if nothing else in it is needed"
        case .passwordBesideACLFile: "give user default its password in the aclfile"
        case .masterauthMissing: "set REDIS_MASTER_PASSWORD or REDIS_MASTER_PASSWORD_FILE"
        case .nothingListens: "set a port"
        case .unprotected: "set REDIS_PASSWORD, or ALLOW_EMPTY_PASSWORD=yes if that is meant"
        case .needsVersion: "use a newer image, or leave it out"
        case .fileMissing: "mount it"
        case .variableMissing: "set it"
        case .noServerUser: "add one, run as a user that is not root, or set SKIP_DROP_PRIVS=1"
        }
    }
}

extension Fault {
    var message: String {
        switch self {
        case .unterminatedQuote: "this quote is never closed"
        case .textAfterQuote: "text right behind a closing quote"
        case .nulByte: "a NUL byte: redis-server would join this line with the next"
        case .byteOrderMark: "a byte order mark, which redis-server takes for a directive"
        case .includeWithoutPath: "include takes one path"
        case .unreadableInclude(let path, let problem): "cannot include \(shownPath(path)): \(problem.reason)"
        case .includeCycle(let path): "\(shownPath(path)) includes itself"
        }
    }

    var cure: String {
        switch self {
        case .unterminatedQuote: "close it"
        case .textAfterQuote: "put a blank behind the quote"
        case .nulByte, .byteOrderMark: "save the file as plain UTF-8"
        case .includeWithoutPath: "quote a path that has blanks"
        case .unreadableInclude: "mount it, make it readable, or remove the line"
        case .includeCycle: "remove this include"
        }
    }
}

extension FileProblem {
    public var reason: String {
        switch self {
        case .missing: "no such file"
        case .denied: "permission denied"
        case .failed(let reason): reason
        }
    }
}
