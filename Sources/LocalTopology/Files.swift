internal import Glibc
internal import SystemPackage

/// The few things done to files, each with a message that names the file.
enum Files {
    static func read(_ path: FilePath) throws(LocalTopologyError) -> [UInt8] {
        try attempt("read", path) {
            let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            return try file.closeAfter {
                var bytes: [UInt8] = []
                var chunk = [UInt8](repeating: 0, count: 65_536)
                while case let count = try chunk.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 {
                    bytes.append(contentsOf: chunk[..<count])
                }
                return bytes
            }
        }
    }

    static func write(_ bytes: [UInt8], to path: FilePath, mode: FilePermissions) throws(LocalTopologyError) {
        try attempt("write", path) {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec, .noFollow], permissions: mode)
            try file.closeAfter { _ = try file.writeAll(bytes) }
        }
    }

    static func appending(to path: FilePath) throws(LocalTopologyError) -> FileDescriptor {
        try attempt("write", path) {
            try FileDescriptor.open(
                path, .writeOnly, options: [.create, .append, .closeOnExec, .noFollow], permissions: .ownerReadWrite)
        }
    }

    static func makeFolder(_ path: FilePath, mode: mode_t) throws(LocalTopologyError) {
        guard mkdir(path.string, mode) == 0 else {
            throw .system(attempt: "make the folder", subject: path.string, errno: errno)
        }
    }

    static func setOwner(_ account: Account, of path: FilePath) throws(LocalTopologyError) {
        guard lchown(path.string, account.user, account.group) == 0 else {
            throw .system(attempt: "give \(account.name)", subject: path.string, errno: errno)
        }
    }

    /// Removes a folder and what is in it, without following symbolic links. A folder that is gone is not an error.
    static func removeTree(_ path: FilePath) throws(LocalTopologyError) {
        var information = stat()
        guard lstat(path.string, &information) == 0 else {
            if errno == ENOENT { return }
            throw .system(attempt: "look at", subject: path.string, errno: errno)
        }
        if information.st_mode & S_IFMT == S_IFDIR {
            for name in try names(in: path) { try removeTree(path.appending(name)) }
        }
        guard Glibc.remove(path.string) == 0 || errno == ENOENT else {
            throw .system(attempt: "remove", subject: path.string, errno: errno)
        }
    }

    static func names(in folder: FilePath) throws(LocalTopologyError) -> [String] {
        guard let stream = opendir(folder.string) else {
            throw .system(attempt: "list", subject: folder.string, errno: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func attempt<Value>(
        _ what: String, _ path: FilePath, _ body: () throws -> Value
    ) throws(LocalTopologyError) -> Value {
        do {
            return try body()
        } catch {
            throw .system(attempt: what, subject: path.string, errno: (error as? Errno)?.rawValue ?? EIO)
        }
    }
}
