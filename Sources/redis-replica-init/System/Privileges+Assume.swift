import CLinux
import Glibc
import ReplicaPlanning

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

    /// Tests what the planned user may do by switching to it for a moment; what cannot be tested this way counts as allowed.
    func test(_ path: String, _ mode: Int32, _ action: String) throws(SystemError) {
        guard case .drop(let account) = self else { return try System.test(path, mode, action) }
        let count = getgroups(0, nil)
        guard count >= 0 else { return }
        var own = [gid_t](repeating: 0, count: Int(count))
        guard unsafe getgroups(count, &own) == count else { return }
        let (user, group) = (geteuid(), getegid())
        defer {
            _ = seteuid(user)
            _ = setegid(group)
            _ = unsafe setgroups(own.count, own)
        }
        let groups = account.groups
        guard unsafe setgroups(groups.count, groups) == 0, setegid(account.groupID) == 0, seteuid(account.userID) == 0
        else { return }
        try System.call(action, path) { unsafe faccessat(AT_FDCWD, path, mode, AT_EACCESS) }
    }

    /// The user that is switched to, if any.
    var account: Account? {
        if case .drop(let account) = self { account } else { nil }
    }
}
