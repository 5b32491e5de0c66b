public import RedisConf

/// Everything that can be wrong with what the program is given. Messages and cures are in `Problem+Message.swift`.
public enum Problem: Equatable, Sendable {
    // The environment.
    case unknownMode([UInt8])
    case unknownHostsFrom([UInt8])
    case masterMissing
    case malformedHost([UInt8])
    case malformedPort([UInt8])
    case malformedAddress([UInt8])
    case malformedSwitch([UInt8])
    case malformedFlags
    case malformedSeconds([UInt8])
    case unknownPolicy([UInt8])
    case serviceLink
    /// Two variables name different masters; the one told is left out.
    case otherMaster(used: String)
    case secretTwice(variable: String)
    case secretUnreadable(path: [UInt8], FileProblem)
    case secretEmpty
    case secretWithNUL
    case passwordRequired
    case podAddressMissing
    case sentinelNotAsked

    // The sidecar's record.
    case recordUnusable
    /// - Parameter instead: whom environment or file name.
    case recordHeeded(String, instead: String)

    // redis-server's arguments.
    case argumentOverrules(DirectiveName, variable: String)
    case secretInArguments(DirectiveName)

    // The file.
    case configurationUnreadable(path: [UInt8], FileProblem)
    case fault(Fault)
    case inlineComment(DirectiveName)
    case secretArguments(DirectiveName)
    case malformedReplicaof
    case includedReplicaof
    case shadowedReplicaof
    case replicatesItself(host: [UInt8], port: Int)
    case clusterEnabled
    case userWithACLFile
    case openDespitePassword
    case passwordOverruled
    case passwordReplaced
    case passwordBesideACLFile
    case masterauthMissing
    case nothingListens
    case unprotected

    // The machine.
    case probesCannotAsk
    case needsVersion(DirectiveName, Dialect.Version)
    case fileMissing(path: [UInt8])
    case variableMissing(String)
    case noServerUser([String])
}
