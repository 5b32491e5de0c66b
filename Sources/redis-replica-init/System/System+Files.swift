import Glibc

/// Calls that take a path, their C strings kept here.
extension System {
    static func test(_ path: String, _ mode: Int32, _ action: String) throws(SystemError) {
        try call(action, path) { unsafe access(path, mode) }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    static func canWrite(_ folder: String) -> Bool { unsafe access(folder, W_OK | X_OK) == 0 }

    static func isExecutable(_ path: String) -> Bool {
        guard unsafe access(path, X_OK) == 0, let status = try? status(path) else { return false }
        return status.st_mode & S_IFMT == S_IFREG
    }

    static func isFolder(_ path: String) -> Bool {
        (try? status(path)).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }

    static func isLink(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    static func makeFolder(_ path: String) throws(SystemError) {
        try call("make folder", path) { unsafe mkdir(path, 0o755) }
    }

    /// A fresh folder that only we can enter, with a name that begins so.
    static func makePrivateFolder(prefix: String) throws(SystemError) -> String {
        var template = Array((prefix + "XXXXXX").utf8CString)
        let isMade = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        guard isMade else { throw SystemError(action: "make folder", path: prefix + "…", code: errno) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ path: String) { _ = unsafe unlink(path) }

    /// A folder with the files in it, and folders with files in them.
    static func removeFolder(_ path: String, depth: Int = 2) {
        if let folder = try? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) {
            for bytes in (try? names(in: folder, path: path)) ?? [] {
                let inner = "\(path)/\(String(decoding: bytes, as: UTF8.self))"
                if unsafe unlink(inner) != 0, depth > 1 { removeFolder(inner, depth: depth - 1) }
            }
            close(folder)
        }
        _ = unsafe rmdir(path)
    }

    static func rename(_ old: String, to new: String) throws(SystemError) {
        try call("replace", new) { unsafe Glibc.rename(old, new) }
    }

    /// Forces a file's contents, or a folder's names, to the disk.
    static func synchronize(_ path: String) throws(SystemError) {
        let descriptor = try open(path, O_RDONLY)
        defer { close(descriptor) }
        try call("write to the disk", path) { fsync(descriptor) }
    }

    static func chown(_ path: String, user: uid_t, group: gid_t) throws(SystemError) {
        try call("change the owner of", path) { unsafe lchown(path, user, group) }
    }

    static func chmod(_ path: String, _ mode: mode_t) throws(SystemError) {
        try call("change the mode of", path) { unsafe Glibc.chmod(path, mode) }
    }

    /// A folder itself, not what a link of that name leads to.
    static func openFolder(_ path: String) throws(SystemError) -> Int32 {
        try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    // In a folder that is open, without following links.

    static func status(in folder: Int32, _ name: String) throws(SystemError) -> stat {
        var status = stat()
        try call("stat", name) { unsafe fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) }
        return status
    }

    static func chown(in folder: Int32, _ name: String, user: uid_t, group: gid_t) throws(SystemError) {
        try call("change the owner of", name) { unsafe fchownat(folder, name, user, group, AT_SYMLINK_NOFOLLOW) }
    }

    static func openFolder(in folder: Int32, _ name: String) throws(SystemError) -> Int32 {
        try call("open", name) { unsafe openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    }
}
