public import RedisConf

extension Problem {
    /// The exit code where this problem stops the start.
    var exitCode: Int32 {
        switch self {
        case .noServerUser: ExitCode.permission
        case .start(let problem): problem.exitCode
        case .configurationUnreadable(_, let problem), .secretUnreadable(_, let problem):
            switch problem {
            case .missing: ExitCode.configuration
            case .denied: ExitCode.permission
            case .folder, .tooLarge, .failed: ExitCode.inputOutput
            }
        default: ExitCode.configuration
        }
    }

    /// What is wrong, without its place and without secrets.
    public var message: String {
        switch self {
        case .unknownMode(let value): "unknown mode \(shown(value))"
        case .unknownHostsFrom(let value): "unknown source of host names \(shown(value))"
        case .masterMissing:
            "a replica needs a master, and neither REDIS_MASTER_SERVICE_HOST nor a replicaof line names one"
        case .malformedHost(let value): "\(shownHost(value)) is not a host name or address"
        case .malformedPort(let value): "\(shownHost(value)) is not a port"
        case .malformedAddress(let value): "\(shownHost(value)) is not an IP address"
        case .malformedSwitch(let value): "\(shown(value)) is neither yes nor no"
        case .malformedFlags: "unbalanced quotes"
        case .malformedSeconds(let value): "\(shown(value)) is not a number of seconds"
        case .unknownPolicy(let value): "\(shown(value)) is not a policy for an empty master"
        case .serviceLink: "ignored: it is the address of a Service, put there by Kubernetes"
        case .otherMaster(let used): "ignored: \(used) names another master and was set on purpose"
        case .namedTwice(let used): "\(used) is the same variable and says something else; this one is not read"
        case .secretTwice(let variable, let file): "\(variable) and \(file) are both set and differ"
        case .secretWithMark: "the secret begins with a byte order mark, which is a part of it"
        case .secretWithNewline: "the secret holds a line break, which is a part of it"
        case .replicatesInTheClear: "TLS is served, and tls-replication is not set: the master is asked without TLS"
        case .masterPortAssumed(let own):
            "no port is given for the master: 6379 is taken, while this server takes TLS at \(own)"
        case .secretUnreadable(let path, let problem): "\(shownSecretPath(path)) cannot be read: \(problem.reason)"
        case .secretEmpty: "the secret is empty"
        case .secretWithNUL: "the secret holds a NUL byte, at which this version would cut it"
        case .passwordRequired: "no password is set, and ALLOW_EMPTY_PASSWORD forbids that"
        case .podAddressMissing: "POD_IP is not set: the master may list this replica under its node's address"
        case .sentinelDecides(let name, let list):
            "at its start this server asks Sentinel (\(list)) for the master \(name)"
        case .sentinelNotFollowed: "ignored: Sentinel is followed only with the modes master and replica"
        case .sentinelNotNamed: "ignored: REDIS_SENTINEL_HOST names no Sentinel"
        case .sentinelGuessIsItself(let master):
            "\(master) is this server itself: it is a master until Sentinel names one"
        case .malformedSentinel(let problem, _): problem
        case .malformedCount(let value, let most): "\(shown(value)) is not a number from 0 to \(most)"
        case .recordUnusable: "the sidecar's record cannot be read; the environment decides"
        case .recordHeeded(let following, let instead):
            "follows \(following), not \(instead): decided after the environment was written"
        case .argumentOverrules(let name, _):
            "--\(name) overrules what was decided, and what depends on it was decided without"
        case .secretTooLong: "the secret is longer than 512 bytes: this version would refuse and print it"
        case .secretMissing(let name): "--\(name) has no value: is the variable behind it empty?"
        case .malformedArguments: "redis-server cannot split these arguments, and would print them"
        case .foreignOption(let option):
            "\(option) is an option of docker run or podman run, and redis-server refuses it"
        case .misspelledSecret: "this line may hold a secret, and redis-server would refuse and print it"
        case .misplacedSecret(let directive):
            "\(directive) has an argument too many, which may be a secret; redis-server would print the line"
        case .malformedUser: "redis-server would refuse this rule of a user, and print the line, secret included"
        case .secondUserLine: "a second line for this user: redis-server would refuse and print it, secret included"
        case .sentinelLine: "a line of Sentinel: redis-server would refuse and print it, secret included"
        case .passphraseAlone: "no TLS line stands before it: a server that was built without TLS would print this one"
        case .primaryName: "only Valkey 8.0 and later know this name; another server would print the line"
        case .secretInArguments(let name): "--\(name) shows its secret to every user who lists processes"
        case .probesCannotAsk: "TLS only, and /run/redis is no folder that the server can write: probes cannot ask it"
        case .configurationUnreadable(let path, let problem): "\(shownPath(path)) cannot be read: \(problem.reason)"
        case .fault(let fault): fault.message
        case .lineJoined(let next):
            "no newline at the end of this file: the server reads the first line of \(shownPath(next)) as part of this"
        case .start(let problem): problem.message
        case .inlineComment(let name): "# behind the arguments of \(name) is an argument, not a comment"
        case .secretArguments(let name):
            "\(name) takes exactly one argument; redis-server would print the line, secret included"
        case .malformedReplicaof: "replicaof takes a host and a port"
        case .includedReplicaof: "replicaof in an included file comes back at every restart, even after a promotion"
        case .shadowedReplicaof: "a later line overrules this replicaof"
        case .replicatesItself(let host, let port): "\(shown(host)) port \(port) is this server itself"
        case .clusterEnabled: "replicaof is forbidden with cluster-enabled yes"
        case .pathKept(let name, let path):
            "\(name) is a relative path, and dir becomes another folder: it stays \(shownPath(path))"
        case .pathMoved(let name, let old, let new):
            "\(name) is relative to dir, which becomes another: \(shownPath(new)), not \(shownPath(old))"
        case .userWithACLFile: "user lines and aclfile exclude each other"
        case .openDespitePassword: "user default has nopass: the server would be open despite requirepass"
        case .passwordOverruled: "user default overrules requirepass"
        case .passwordReplaced: "user default overrules requirepass with another password: it takes the one given now"
        case .passwordBesideACLFile: "requirepass has no effect beside an aclfile"
        case .masterauthMissing:
            "this replica asks for a password, its master most likely too, and masterauth is not set"
        case .commandRenamed(let name):
            "rename-command \(name): the probes, the sidecar and the restore from replicas send \(name) by its own name"
        case .nothingListens: "port 0 without tls-port or unixsocket: no client could connect"
        case .unprotected:
            "no password is set and every interface is bound: every host that reaches the port can read and write"
        case .needsVersion(let name, let version): "\(name) needs redis-server \(version)"
        case .fileMissing(let path): "\(shownPath(path)) does not exist"
        case .variableMissing(let name): "\(name) is not set"
        case .noServerUser(let names): "running as root, and /etc/passwd has no user \(names.joined(separator: " or "))"
        }
    }

    /// What to do about it.
    public var cure: String {
        switch self {
        case .unknownMode: "use replica, slave, master, standalone or failover"
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
        case .namedTwice, .secretTwice: "keep one"
        case .secretUnreadable(_, .tooLarge): "name the file that holds the secret and nothing else"
        case .secretUnreadable: "mount the secret there, readable for this user"
        case .secretEmpty: "put the password into it, or unset the variable"
        case .secretWithNUL: "choose a password without it"
        case .passwordRequired: "set REDIS_PASSWORD or REDIS_PASSWORD_FILE, or ALLOW_EMPTY_PASSWORD=yes"
        case .podAddressMissing: "set it from status.podIP of the downward API"
        case .sentinelDecides: "its word wins over the sidecar's record, the variables and the file"
        case .sentinelNotFollowed: "unset it, or set REDIS_REPLICATION_MODE to master or replica"
        case .sentinelNotNamed: "name the Sentinels there, or unset it"
        case .sentinelGuessIsItself: "nothing has to be done: Sentinel's word comes first"
        case .malformedSentinel(_, let cure): cure
        case .malformedCount: "write digits alone"
        case .recordUnusable: "remove it, or make it readable for this user"
        case .recordHeeded: "remove the file to have the environment decide, or name yet another master there"
        case .argumentOverrules(_, let variable): "set \(variable) instead"
        case .secretTooLong: "choose a shorter one, or use Redis 6.2 or later"
        case .secretMissing: "name the secret's file in REDIS_PASSWORD_FILE or REDIS_MASTER_PASSWORD_FILE instead"
        case .malformedArguments: "put them into the configuration file"
        case .foreignOption: "put it in front of the image's name"
        case .misspelledSecret: "write the directive's name, a blank, and the secret in double quotes"
        case .misplacedSecret: "give the secret a line of its own: requirepass, masterauth, or user NAME on >SECRET"
        case .malformedUser: "use rules that this version knows: on, >PASSWORD, #HASH, ~KEYS, &CHANNELS, +COMMAND"
        case .secondUserLine: "keep one line, with all its rules"
        case .sentinelLine: "move it into the file of Sentinel"
        case .passphraseAlone: "put tls-cert-file and tls-key-file before it, or remove it"
        case .primaryName: "write masterauth or masteruser, which every server knows, or set VALKEY_VERSION"
        case .secretInArguments: "put it into a file and name that in REDIS_PASSWORD_FILE or REDIS_MASTER_PASSWORD_FILE"
        case .probesCannotAsk: "mount an emptyDir there, or set unixsocket in the configuration"
        case .configurationUnreadable(_, .tooLarge): "shorten it, or name the configuration's file"
        case .configurationUnreadable(let path, .missing) where Invocation.verb(nearestTo: path) != nil:
            "did you mean '\(Invocation.verb(nearestTo: path)?.rawValue ?? "")'? Else mount the file, or name another one"
        case .configurationUnreadable: "mount it, make it readable for this user, or name another file"
        case .fault(let fault): fault.cure
        case .lineJoined: "end the file with a newline"
        case .start(let problem): problem.cure
        case .inlineComment: "put the comment on a line of its own"
        case .secretArguments: "put the secret in double quotes"
        case .malformedReplicaof: "write replicaof HOST PORT, or remove the line and set REDIS_MASTER_SERVICE_HOST"
        case .includedReplicaof: "move it into the main file or leave it to the environment"
        case .shadowedReplicaof: "it is removed; keep one line"
        case .replicatesItself: "name the master's address, or set REDIS_REPLICATION_MODE=master here"
        case .secretWithMark: "save it as plain UTF-8, without the mark"
        case .secretWithNewline: "put the password alone into it, on one line"
        case .replicatesInTheClear: "set tls-replication yes, or tls-replication no if that is meant"
        case .masterPortAssumed: "set REDIS_MASTER_PORT_NUMBER"
        case .clusterEnabled: "remove cluster-enabled, or let the cluster replicate"
        case .pathKept, .pathMoved: "write the whole path"
        case .userWithACLFile: "move the user lines into the aclfile"
        case .openDespitePassword: "remove the line, or give user default the password instead of nopass"
        case .passwordOverruled: "change the password there, or remove the line"
        case .passwordReplaced: "remove the line, if nothing else in it is needed"
        case .passwordBesideACLFile: "give user default its password in the aclfile"
        case .masterauthMissing: "set REDIS_MASTER_PASSWORD or REDIS_MASTER_PASSWORD_FILE"
        case .commandRenamed: "remove the line, and take the right from users by ACL instead"
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
        case .unreadableInclude(_, .tooLarge): "shorten it, or remove the line"
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
        case .folder: "it is a folder"
        case .tooLarge(let bound): "it is larger than \(bound)"
        case .failed(let reason): reason
        }
    }
}
