internal import Glibc
internal import SystemPackage

/// A user of this machine.
///
/// Read from /etc/passwd itself: getpwnam in a static executable would load the libc's name services at run time.
struct Account: Hashable, Sendable {
    let name: String
    let user: uid_t
    let group: gid_t

    /// The user that Redis runs as when this process is root: Debian's `redis`, else `nobody`. `nil` when we are not root.
    static let forRedis: Account? = geteuid() == 0 ? named("redis") ?? named("nobody") : nil

    static func named(_ name: String) -> Account? {
        guard let bytes = try? Files.read("/etc/passwd") else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 3, fields[0] == name, let user = uid_t(fields[2]), let group = gid_t(fields[3]) {
                return Account(name: name, user: user, group: group)
            }
        }
        return nil
    }
}
