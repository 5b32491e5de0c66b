import Glibc
import ReplicaPlanning

/// Puts the planned configuration where redis-server will read it: whole or not at all, by a temporary file and a rename in
/// the same folder. Without fsync, since it is written again at each start.
struct ConfigurationWriter {
    private let plan: Plan
    /// Of the file that was read; nil if there was none.
    private let status: stat?

    init(_ plan: Plan) {
        self.plan = plan
        status = plan.source.flatMap { try? System.status(path($0)) }
    }

    /// Writes to the first place that takes it, and returns the path.
    ///
    /// A source that says everything already is not written; a read-only folder or a file mounted by itself (rename
    /// gives EBUSY) is no error while another place is left.
    func write() throws(Failure) -> [UInt8] {
        if let source = plan.source, plan.configuration == plan.original, protect(path(source)) { return source }
        var refusals: [SystemError] = []
        for place in plan.places {
            do throws(SystemError) {
                let target = try prepare(place)
                try replace(target)
                return Array(target.utf8)
            } catch {
                refusals.append(error)
            }
        }
        let isDenied = refusals.contains { $0.isDenied || $0.code == EROFS }
        throw .unmet(
            refusals.map(\.description).joined(separator: ", "),
            cure: "mount an emptyDir at /run/redis that uid \(plan.privileges.account?.userID ?? geteuid()) can write",
            exitCode: isDenied ? ExitCode.permission : ExitCode.inputOutput)
    }

    /// The path of a place, its folder made.
    private func prepare(_ place: Place) throws(SystemError) -> String {
        switch place {
        case .file(let file):
            return path(file)
        case .folder(let folder, let name):
            let folder = path(folder)
            if !System.exists(folder) {
                try System.makeFolder(folder)
                try giveToServer(folder)
            }
            return "\(folder)/\(path(name))"
        case .freshFolder(let prefix, let name):
            let folder = try System.makePrivateFolder(prefix: path(prefix))
            try giveToServer(folder)
            return "\(folder)/\(path(name))"
        }
    }

    private func giveToServer(_ folder: String) throws(SystemError) {
        guard let account = plan.privileges.account else { return }
        try System.chown(folder, user: account.userID, group: account.groupID)
    }

    private func replace(_ target: String) throws(SystemError) {
        let temporary = "\(target).\(getpid()).tmp"
        // Left by a process that was killed: no other process has our process id.
        System.remove(temporary)
        let descriptor = try System.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        do throws(SystemError) {
            defer { System.close(descriptor) }
            try System.write(plan.configuration, to: descriptor, path: temporary)
            if let owner { try System.call("give away", temporary) { fchown(descriptor, owner.user, owner.group) } }
            try System.call("change the mode of", temporary) { fchmod(descriptor, mode) }
            try System.rename(temporary, to: target)
        } catch {
            System.remove(temporary)
            throw error
        }
    }

    /// As the source's; only its owner's where there is a secret in it.
    private var mode: mode_t {
        let mode = status.map { $0.st_mode & 0o777 } ?? 0o644
        return plan.holdsSecret ? 0o600 : mode | 0o400
    }

    /// The user the server will be; else, as root, the source's.
    private var owner: (user: uid_t, group: gid_t)? {
        if let account = plan.privileges.account { return (account.userID, account.groupID) }
        return geteuid() == 0 ? status.map { ($0.st_uid, $0.st_gid) } : nil
    }

    /// Gives an unchanged source the owner and mode it needs. False where the server could not read it as it is. What a link
    /// leads to stays as it is.
    private func protect(_ source: String) -> Bool {
        guard let status else { return false }
        if System.isLink(source) { return plan.privileges.account.map { isReadable(status, for: $0) } ?? true }
        if let account = plan.privileges.account, status.st_uid != account.userID {
            do throws(SystemError) {
                try System.chown(source, user: account.userID, group: account.groupID)
            } catch {
                return isReadable(status, for: account)
            }
        }
        if plan.holdsSecret, status.st_mode & 0o077 != 0 { try? System.chmod(source, 0o600) }
        return true
    }

    private func isReadable(_ status: stat, for account: Account) -> Bool {
        status.st_uid == account.userID
            || status.st_mode & 0o004 != 0
            || (status.st_mode & 0o040 != 0 && account.groups.contains(status.st_gid))
    }
}
