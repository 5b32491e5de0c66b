import Glibc
import RedisConf
import ReplicaPlanning

/// The folder redis-server writes its data to.
enum DataFolder {
    /// A folder that cannot be made, or that the server's user will not be able to write to, and a file that it will not be able
    /// to read, stop the start before anything is changed.
    static func judge(_ plan: Plan) throws(Failure) {
        let folder = path(plan.dataFolder)
        if let problem = StartProblem.ofName("dir", path: plan.dataFolder) { throw refusal(problem) }
        let existing = System.exists(folder) ? folder : existingParent(of: folder)
        guard System.isFolder(existing) else { throw refusal(.notAFolder("dir", path: Array(existing.utf8))) }
        if System.exists(folder) {
            try judgeFolder(plan)
        } else if !System.canWrite(existingParent(of: folder)) {
            // It fails, and says what stands in the way.
            try makeFolder(plan)
        }
        // What is redis-server's in the folder is given to the user first.
        let beginning = plan.dataFolder + Array("/".utf8)
        let others = plan.filesToRead.filter { file in
            !plan.fixesOwnership || !file.starts(with: beginning)
                || !plan.ownedFiles.holds(file: Array(file.dropFirst(beginning.count)))
        }
        try Server.checkReadable(others, as: plan.privileges)
    }

    /// As `check` has it.
    private static func refusal(_ problem: StartProblem) -> Failure {
        .plan(.refused([Diagnostic(.error, .start(problem))]))
    }

    private static func judgeFolder(_ plan: Plan) throws(Failure) {
        let isGiven = plan.fixesOwnership && willBeGiven(path(plan.dataFolder), plan.ownedFiles)
        if !isGiven { try check(plan, as: plan.privileges) }
    }

    private static func existingParent(of folder: String) -> String {
        var parent = folder[...]
        while let slash = parent.lastIndex(of: "/"), slash > parent.startIndex {
            parent = parent[..<slash]
            if System.exists(String(parent)) { return String(parent) }
        }
        return folder.hasPrefix("/") ? "/" : "."
    }

    /// Makes it if it is missing and, as root, gives the user that the server will be what belongs to redis-server in it.
    static func prepare(_ plan: Plan) throws(Failure) {
        try makeFolder(plan)
        if plan.fixesOwnership, let account = plan.privileges.account {
            give(path(plan.dataFolder), plan.ownedFiles, to: account)
        }
    }

    private static func makeFolder(_ plan: Plan) throws(Failure) {
        do throws(SystemError) {
            try make(path(plan.dataFolder))
        } catch {
            throw .system(
                error, cure: "mount a volume there, or set REDIS_DATA_DIR",
                exitCode: error.isDenied ? ExitCode.permission : ExitCode.inputOutput)
        }
    }

    /// Whether a folder would become the user's as a whole, who can then write to it.
    static func willBeGiven(_ folder: String, _ owned: OwnedFiles) -> Bool {
        guard reasonForLeaving(folder, owned) == nil, let status = try? System.status(folder) else { return false }
        return status.st_mode & 0o300 == 0o300
    }

    /// Tests that the user the server will be can make files there.
    static func check(_ plan: Plan, as privileges: Privileges) throws(Failure) {
        let folder = path(plan.dataFolder)
        do throws(SystemError) {
            try privileges.test(folder, W_OK | X_OK, "write to")
        } catch {
            var state = ""
            if let status = try? System.status(folder) {
                let mode = String(status.st_mode & 0o7777, radix: 8)
                state =
                    " (owner \(status.st_uid):\(status.st_gid), mode 0\(mode), we are uid "
                    + "\(privileges.account?.userID ?? geteuid()) "
                    + "gid \(privileges.account?.groupID ?? getegid()))"
            }
            if plan.fixesOwnership, let reason = reasonForLeaving(folder, plan.ownedFiles) {
                state += "; its owner stayed, since \(reason)"
            }
            throw .unmet(
                "\(error)\(state)", cure: "set securityContext.fsGroup, chown the volume, or set REDIS_DATA_DIR",
                exitCode: error.code == EACCES || error.code == EPERM || error.code == EROFS
                    ? ExitCode.permission : ExitCode.inputOutput)
        }
    }

    private static func make(_ folder: String) throws(SystemError) {
        if System.exists(folder) { return }
        var prefix = folder.hasPrefix("/") ? "" : "."
        for component in folder.split(separator: "/") {
            prefix += "/\(component)"
            if !System.exists(prefix) { try System.makeFolder(prefix) }
        }
    }

    /// Gives what belongs to redis-server to its user. Nothing else changes its owner, and no link is followed.
    private static func give(_ folder: String, _ owned: OwnedFiles, to account: Account) {
        guard let descriptor = open(folder) else { return }
        defer { System.close(descriptor) }
        let names = entries(of: descriptor, folder)
        for (name, status) in names where isOwned(name, status, owned) {
            if status.st_mode & S_IFMT == S_IFDIR {
                giveAppendFolder(descriptor, String(decoding: name, as: UTF8.self), owned, to: account)
            } else {
                give(descriptor, name, status, to: account)
            }
        }
        guard owned.isServersOwnFolder || foreignName(names, owned) == nil else { return }
        giveFolder(descriptor, folder, to: account)
    }

    /// Not what a link leads to, also where a slash stands behind its name.
    private static func open(_ folder: String) -> Int32? {
        var name = folder[...]
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        return try? System.openFolder(String(name))
    }

    private static func giveAppendFolder(
        _ folder: Int32, _ name: String, _ owned: OwnedFiles, to account: Account
    ) {
        guard let inner = try? System.openFolder(in: folder, name) else { return }
        defer { System.close(inner) }
        var isForeign = false
        for (name, status) in entries(of: inner, name) {
            if status.st_mode & S_IFMT != S_IFDIR, owned.holdsInAppendFolder(file: name) {
                give(inner, name, status, to: account)
            } else {
                isForeign = true
            }
        }
        if !isForeign { giveFolder(inner, name, to: account) }
    }

    /// Refused where root is mapped to `nobody` (NFS): what counts is whether the user can write, tested later.
    private static func giveFolder(_ folder: Int32, _ path: String, to account: Account) {
        if (try? System.status(of: folder, path: path))?.st_uid == account.userID { return }
        _ = fchown(folder, account.userID, account.groupID)
    }

    /// A file with a second name may belong to another program at that other place.
    private static func give(_ folder: Int32, _ name: [UInt8], _ status: stat, to account: Account) {
        guard status.st_uid != account.userID, status.st_nlink == 1 else { return }
        let name = String(decoding: name, as: UTF8.self)
        try? System.chown(in: folder, name, user: account.userID, group: account.groupID)
    }

    private static func entries(of folder: Int32, _ path: String) -> [([UInt8], stat)] {
        ((try? System.names(in: folder, path: path)) ?? []).compactMap { name in
            (try? System.status(in: folder, String(decoding: name, as: UTF8.self))).map { (name, $0) }
        }
    }

    private static func isOwned(_ name: [UInt8], _ status: stat, _ owned: OwnedFiles) -> Bool {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: owned.holds(folder: name)
        case S_IFREG, S_IFSOCK: owned.holds(file: name)
        default: false
        }
    }

    private static func foreignName(_ names: [([UInt8], stat)], _ owned: OwnedFiles) -> [UInt8]? {
        names.first { !isOwned($0.0, $0.1, owned) && !owned.isNeutral($0.0) }?.0
    }

    /// Why the folder's owner was left as it is; nil where it was not.
    private static func reasonForLeaving(_ folder: String, _ owned: OwnedFiles) -> String? {
        guard let descriptor = open(folder) else { return "it is a link" }
        defer { System.close(descriptor) }
        if owned.isServersOwnFolder { return nil }
        return foreignName(entries(of: descriptor, folder), owned).map {
            "\(String(decoding: $0, as: UTF8.self)) in it is not redis-server's"
        }
    }
}
