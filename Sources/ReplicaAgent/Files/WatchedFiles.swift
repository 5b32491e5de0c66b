import RedisConf
import ReplicaPlanning
import SystemFiles

/// Files that remember what they were asked for, so that it need not be asked again while nothing has changed: a check costs
/// as many `stat`s as there were questions.
///
/// Not thread-safe, and not `Sendable`.
final class WatchedFiles: MachineFiles {
    private let files = LiveFiles()
    private var stamps: [String: FileStamp] = [:]

    /// Whether an answer may be another one by now.
    var haveChanged: Bool { stamps.contains { FileStamp(of: $0.key) != $0.value } }

    /// Forgets what was asked; what is asked from now on counts.
    func begin() { stamps = [:] }

    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        note(path)
        return try files.contents(ofFile: path)
    }

    func secret(inFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        note(path)
        return try files.secret(inFile: path)
    }

    func names(inFolder path: [UInt8]) -> [[UInt8]] {
        note(path)
        return files.names(inFolder: path)
    }

    func exists(_ path: [UInt8]) -> Bool {
        note(path)
        return files.exists(path)
    }

    func isFolder(_ path: [UInt8]) -> Bool {
        note(path)
        return files.isFolder(path)
    }

    func canWrite(inFolder path: [UInt8], as account: Account?) -> Bool {
        note(path)
        return files.canWrite(inFolder: path, as: account)
    }

    /// Before the answer is taken: what is changed in between shows as another stamp, and not as none.
    private func note(_ path: [UInt8]) {
        let path = String(decoding: path, as: UTF8.self)
        if stamps[path] == nil { stamps[path] = FileStamp(of: path) }
    }
}
