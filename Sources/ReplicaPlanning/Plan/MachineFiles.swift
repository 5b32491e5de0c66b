public import RedisConf

/// What the plan may know of the file system.
public protocol MachineFiles: ConfigurationFiles {
    /// Whether there is a folder at this path.
    func isFolder(_ path: [UInt8]) -> Bool
    /// Whether a file can be made in this folder by a user, or by us where none is named.
    func canWrite(inFolder path: [UInt8], as account: Account?) -> Bool
    /// Whether a user can make files in this folder once what is redis-server's in it has been given to that user.
    func canWrite(inFolder path: [UInt8], onceGivenTo account: Account, _ owned: OwnedFiles) -> Bool
    /// The bytes of a secret, a key or a certificate: less than a configuration may have.
    func secret(inFile path: [UInt8]) throws(FileProblem) -> [UInt8]
    /// Why a file cannot be read by a user, or by us where none is named; nil where it can.
    func problem(readingFile path: [UInt8], as account: Account?) -> FileProblem?
}

extension MachineFiles {
    public func canWrite(inFolder path: [UInt8], onceGivenTo account: Account, _ owned: OwnedFiles) -> Bool {
        canWrite(inFolder: path, as: nil)
    }

    public func secret(inFile path: [UInt8]) throws(FileProblem) -> [UInt8] { try contents(ofFile: path) }

    public func problem(readingFile path: [UInt8], as account: Account?) -> FileProblem? {
        do throws(FileProblem) {
            _ = try contents(ofFile: path)
            return nil
        } catch {
            return error
        }
    }
}

/// Who and where the process is.
public struct Identity: Equatable, Sendable {
    public var userID: UInt32
    public var groupID: UInt32
    /// The supplementary groups the runtime gave; a volume's fsGroup is among them.
    public var groups: [UInt32]
    public var hostname: [UInt8]
    public var workingFolder: [UInt8]

    package var isRoot: Bool { userID == 0 }

    public init(
        userID: UInt32, groupID: UInt32, groups: [UInt32] = [], hostname: [UInt8] = [], workingFolder: [UInt8] = [0x2F]
    ) {
        self.userID = userID
        self.groupID = groupID
        self.groups = groups
        self.hostname = hostname
        self.workingFolder = workingFolder
    }
}
