import Glibc
import ReplicaPlanning

/// The steps in the data folder.
extension Reseeding {
    func remember(_ journal: ReseedJournal) throws(ReseedFailure) {
        try FolderChanges(account: plan.privileges.account)
            .write(settings.data.journalPath, Array(journal.text.utf8))
        try onFiles { () throws(SystemError) in try System.synchronize(path(settings.data.folder)) }
    }
}

/// Performs changes in the data folder, each of them on the disk before the next.
struct FolderChanges {
    /// Who the server will be.
    let account: Account?

    func perform(_ changes: [FileChange]) throws(ReseedFailure) {
        for change in changes {
            switch change {
            case .makeFolder(let folder):
                guard !System.exists(path(folder)) else { continue }
                try onFiles { () throws(SystemError) in
                    try System.makeFolder(path(folder))
                    try giveToServer(path(folder))
                    try System.synchronize(self.folder(of: folder))
                }
            case .rename(let old, let new):
                try onFiles { () throws(SystemError) in
                    guard !System.exists(path(new)) else {
                        throw SystemError(action: "move \(path(old)) to", path: path(new), code: EEXIST)
                    }
                    try System.rename(path(old), to: path(new))
                    try System.synchronize(folder(of: new))
                    try System.synchronize(folder(of: old))
                }
            case .write(let file, let contents):
                try write(file, contents)
                try onFiles { () throws(SystemError) in try System.synchronize(folder(of: file)) }
            case .removeFolder(let folder): System.removeFolder(path(folder))
            }
        }
    }

    /// Says where what was in the way is now.
    static func tell(_ changes: [FileChange]) {
        guard case .makeFolder(let aside)? = changes.first(where: { $0.isAside }) else { return }
        let names = changes.compactMap { change -> String? in
            guard case .rename(let old, let new) = change, new.starts(with: aside) else { return nil }
            return path(old)
        }
        Terminal.complain([
            "kept aside in \(path(aside)): \(names.joined(separator: ", ")); remove that folder when you no longer need its files"
        ])
    }

    /// Whole or not at all, and on the disk.
    func write(_ file: [UInt8], _ contents: [UInt8]) throws(ReseedFailure) {
        let temporary = path(file) + ".tmp"
        System.remove(temporary)
        // Renamed, or of no use.
        defer { System.remove(temporary) }
        try onFiles { () throws(SystemError) in
            let descriptor = try System.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            defer { System.close(descriptor) }
            try System.write(contents, to: descriptor, path: temporary)
            try System.call("write to the disk", temporary) { fsync(descriptor) }
            try giveToServer(temporary)
            try System.rename(temporary, to: path(file))
        }
    }

    private func giveToServer(_ file: String) throws(SystemError) {
        guard let account else { return }
        try System.chown(file, user: account.userID, group: account.groupID)
    }

    private func folder(of file: [UInt8]) -> String {
        let slash = file.lastIndex(of: UInt8(ascii: "/")) ?? 0
        return path(Array(file[..<slash]))
    }
}

/// Runs what is done to files; what fails there ends the reseeding.
@discardableResult
func onFiles<Result>(_ body: () throws(SystemError) -> Result) throws(ReseedFailure) -> Result {
    do throws(SystemError) { return try body() } catch { throw ReseedFailure(error) }
}

extension ReseedFailure {
    init(_ error: SystemError) {
        self = .files(error.code == ENOSPC ? "\(error): give the volume more room" : "\(error)")
    }
}
