import CLinux
import Glibc
import ReplicaInit

extension Privileges {
    /// Becomes the planned user for good: groups first, then the user, then no way back up.
    ///
    /// As root `setgid` and `setuid` change the real, effective and saved id at once.
    func assume() throws(Failure) {
        guard case .drop(let account) = self else { return }
        do throws(SystemError) {
            let groups = account.groups
            try System.call("set the groups of", account.name) { unsafe setgroups(groups.count, groups) }
            let (user, group) = (account.userID, account.groupID)
            try System.call("switch to the group of", account.name) { setgid(group) }
            try System.call("switch to user", account.name) { setuid(user) }
            try System.call("forbid new privileges to", account.name) { linux_forbid_new_privileges() }
        } catch {
            throw .system(
                error, cure: "grant SETUID and SETGID, run as a user that is not root, or set SKIP_DROP_PRIVS=1",
                exitCode: ExitCode.permission)
        }
        umask(0o077)
    }

    /// The user that is switched to, if any.
    var account: Account? {
        if case .drop(let account) = self { account } else { nil }
    }
}
