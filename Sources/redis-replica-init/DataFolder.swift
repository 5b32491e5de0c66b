import Glibc
import ReplicaInit

/// The folder redis-server writes its data to.
enum DataFolder {
    /// Makes it if it is missing and, as root, gives what is in it to the user the server will be. Whoever stays who they
    /// are is told at once, before anything is written, if the folder is not theirs to write to.
    static func prepare(_ plan: Plan) throws(Failure) {
        let folder = path(plan.dataFolder)
        do throws(SystemError) {
            try make(folder)
            if let account = plan.privileges.account {
                // A folder named / is a mistake that must not cost the whole image its owners.
                if plan.fixesOwnership, folder != "/" { try give(folder, to: account) }
                return
            }
        } catch {
            throw .system(
                error, cure: "mount a volume there, or set REDIS_DATA_DIR",
                exitCode: error.isDenied ? ExitCode.permission : ExitCode.inputOutput)
        }
        try check(plan)
    }

    /// Tests, as the user the server will be, that files can be made there.
    static func check(_ plan: Plan) throws(Failure) {
        let folder = path(plan.dataFolder)
        do throws(SystemError) {
            try System.test(folder, W_OK | X_OK, "write to")
        } catch {
            var state = ""
            if let status = try? System.status(folder) {
                let mode = String(status.st_mode & 0o7777, radix: 8)
                state =
                    " (owner \(status.st_uid):\(status.st_gid), mode 0\(mode), we are uid \(geteuid()) gid \(getegid()))"
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

    private static func give(_ folder: String, to account: Account) throws(SystemError) {
        let descriptor = try System.open(folder, O_RDONLY | O_DIRECTORY)
        defer { System.close(descriptor) }
        // Refused where root is nobody (NFS): what counts is whether the user can write, tested later.
        if try System.status(of: descriptor, path: folder).st_uid != account.userID {
            _ = fchown(descriptor, account.userID, account.groupID)
        }
        giveContents(of: descriptor, path: folder, to: account)
    }

    /// Walks down without following links; only what is another's is changed.
    private static func giveContents(of folder: Int32, path: String, to account: Account) {
        for bytes in (try? System.names(in: folder, path: path)) ?? [] {
            let name = String(decoding: bytes, as: UTF8.self)
            guard let status = try? System.status(in: folder, name) else { continue }
            if status.st_uid != account.userID {
                try? System.chown(in: folder, name, user: account.userID, group: account.groupID)
            }
            guard status.st_mode & S_IFMT == S_IFDIR, let inner = try? System.openFolder(in: folder, name)
            else { continue }
            giveContents(of: inner, path: "\(path)/\(name)", to: account)
            System.close(inner)
        }
    }
}
