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
    /// The same variable under two names.
    case namedTwice(used: String)
    case secretTwice(variable: String, file: String)
    case secretWithMark
    case secretWithNewline
    case secretUnreadable(path: [UInt8], FileProblem)
    case secretEmpty
    case secretWithNUL
    case secretTooLong
    case passwordRequired
    case podAddressMissing
    /// - Parameter list: of the Sentinels.
    case sentinelDecides(name: String, list: String)
    /// The mode leaves nothing to decide.
    case sentinelNotFollowed
    case sentinelNotNamed
    /// The master that is named is this server, and Sentinel decides.
    case sentinelGuessIsItself(String)
    case malformedSentinel(problem: String, cure: String)
    case malformedCount([UInt8], most: Int)

    // The sidecar's record.
    case recordUnusable
    /// - Parameter instead: whom environment or file name.
    case recordHeeded(String, instead: String)

    // redis-server's arguments.
    case argumentOverrules(DirectiveName, variable: String)
    case secretInArguments(DirectiveName)
    case secretMissing(DirectiveName)
    case malformedArguments
    case foreignOption(String)

    // The file.
    case configurationUnreadable(path: [UInt8], FileProblem)
    case fault(Fault)
    /// A file of a pattern does not end in a newline.
    case lineJoined(next: [UInt8])
    case start(StartProblem)
    case inlineComment(DirectiveName)
    case secretArguments(DirectiveName)
    case misspelledSecret
    /// - Parameter directive: in whose line it stands.
    case misplacedSecret(String)
    /// - Parameter rule: which of the arguments behind `user` it is.
    case malformedUser(rule: Int)
    case secondUserLine
    case sentinelLine
    case primaryName
    case passphraseAlone
    case malformedReplicaof
    case includedReplicaof
    case shadowedReplicaof
    case replicatesItself(host: [UInt8], port: Int)
    case clusterEnabled
    case replicatesInTheClear
    /// The master's port is not given, and this server has another one.
    case masterPortAssumed(own: Int)
    /// A relative path is written as this one, since `dir` changes.
    case pathKept(DirectiveName, [UInt8])
    case pathMoved(DirectiveName, from: [UInt8], to: [UInt8])
    case userWithACLFile
    case openDespitePassword
    case passwordOverruled
    case passwordReplaced
    case passwordBesideACLFile
    case masterauthMissing
    case nothingListens
    /// `rename-command` for what the programs of this project send.
    case commandRenamed(String)
    case unprotected

    // The machine.
    case probesCannotAsk
    case needsVersion(DirectiveName, Dialect.Version)
    case fileMissing(path: [UInt8])
    case variableMissing(String)
    case noServerUser([String])
}
