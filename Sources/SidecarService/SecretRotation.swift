import Glibc
import ReplicaInit

/// What has to be told the server when its secrets change: a value, made of the secrets before and after.
struct SecretRotation {
    /// A file as it was: another one by any of these.
    struct Stamp: Equatable {
        var inode: UInt64 = 0
        var size: Int64 = 0
        var seconds: Int = 0
        var nanoseconds: Int = 0

        /// Of what a path leads to: Kubernetes exchanges the folder behind a symbolic link.
        init(of path: [UInt8]?) {
            var status = stat()
            guard let path, unsafe stat(String(decoding: path, as: UTF8.self), &status) == 0 else { return }
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    enum Step: Equatable {
        /// The password and the user that the replica shows its master.
        case masterPassword
        /// A new password is accepted beside the old one.
        case addPassword
        /// The old password is not accepted any more.
        case dropPassword
        /// The certificates are read anew.
        case tls
    }

    /// Steps that are due, also those that have failed before.
    private(set) var due: [Step] = []
    private var tlsStamps: [Stamp]

    init(_ target: SidecarTarget) { tlsStamps = Self.stamps(of: target) }

    /// Takes in what has changed from one reading of the environment to the next.
    mutating func compare(_ old: SidecarTarget, with new: SidecarTarget) {
        if new.masterPassword != old.masterPassword || new.masterUser != old.masterUser { add(.masterPassword) }
        if new.password != nil, new.password != old.password { add(.addPassword) }
        let stamps = Self.stamps(of: new)
        if stamps != tlsStamps { add(.tls) }
        tlsStamps = stamps
    }

    /// Takes in what the server has, at the first look at it: a Secret may have changed while nobody watched.
    ///
    /// A server without a password of its own was started so, or has its passwords from an `aclfile`: it is left alone.
    mutating func compare(serverPassword: [UInt8], masterPassword: [UInt8], with target: SidecarTarget) {
        if let password = target.password, !serverPassword.isEmpty, serverPassword != password { add(.addPassword) }
        if let password = target.masterPassword, masterPassword != password { add(.masterPassword) }
    }

    mutating func done(_ step: Step) { due.removeAll { $0 == step } }

    /// The time for it has come.
    mutating func add(_ step: Step) {
        if !due.contains(step) { due.append(step) }
    }

    private static func stamps(of target: SidecarTarget) -> [Stamp] {
        [target.tls?.certificate, target.tls?.key, target.tls?.authorities].map { Stamp(of: $0) }
    }
}
