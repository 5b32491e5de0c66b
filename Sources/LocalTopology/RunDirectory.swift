internal import Glibc
internal import SystemPackage

/// The private folder in which one cluster keeps its configurations, data and logs.
struct RunDirectory: Sendable {
    private static let prefix = "redis-replica-kit-"

    let path: FilePath
    private let account: Account?
    private let lock: FileDescriptor

    /// Makes a folder under TMPDIR that only its owner may enter.
    ///
    /// - Parameter account: The user that the servers are dropped to, if any; its group may pass through the folder, not list it.
    init(account: Account?) throws(LocalTopologyError) {
        let parent = FilePath(environmentVariable("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp")
        Self.sweep(parent)
        let template = parent.appending(Self.prefix + "XXXXXX").string
        var name = Array(template.utf8CString)
        guard mkdtemp(&name) != nil else {
            throw .system(attempt: "make a private folder", subject: template, errno: errno)
        }
        path = FilePath(String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
        self.account = account
        // Locked before it has its name, so that no other process's clean-up finds it unlocked.
        let unnamed = path.appending("lock.new")
        lock = try Files.appending(to: unnamed)
        guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0, rename(unnamed.string, path.appending("lock").string) == 0
        else { throw .system(attempt: "lock", subject: unnamed.string, errno: errno) }
        if let account {
            guard chown(path.string, 0, account.group) == 0, chmod(path.string, 0o710) == 0 else {
                throw .system(attempt: "open to \(account.name)", subject: path.string, errno: errno)
            }
        }
    }

    func folder(of node: NodeSpec) -> FilePath { path.appending(node.folderOwner ?? node.name) }

    func log(of node: String) -> FilePath { path.appending("\(node).log") }

    /// Makes the node's folder and writes its configuration there, both owned by the user it runs as.
    func prepare(_ node: NodeSpec) throws(LocalTopologyError) {
        let folder = folder(of: node)
        let account = node.isRedis ? account : nil
        try Files.makeFolder(folder, mode: 0o700)
        let text: [UInt8]? =
            switch node.configuration {
            case .none: nil
            case .lines(let lines): Array(lines.map { $0 + "\n" }.joined().utf8)
            case .copy(let original): try Files.read(original)
            }
        if let text {
            let file = folder.appending("redis.conf")
            try Files.write(text, to: file, mode: .ownerReadWrite)
            if let account { try Files.setOwner(account, of: file) }
        }
        if let account { try Files.setOwner(account, of: folder) }
    }

    /// A path under which the servers' user can execute the program: its own, or a copy here, since a checkout under
    /// /root is closed to all other users.
    func executable(for node: NodeSpec) throws(LocalTopologyError) -> FilePath {
        guard node.isRedis, account != nil, !node.executable.starts(with: "/usr") else { return node.executable }
        let name = node.executable.lastComponent?.string ?? node.name
        for companion in node.companions {
            try copy(companion, to: path.appending(companion.lastComponent?.string ?? ""))
        }
        let copied = path.appending("bin-\(node.name)-\(name)")
        try copy(node.executable, to: copied)
        return copied
    }

    private func copy(_ program: FilePath, to copy: FilePath) throws(LocalTopologyError) {
        guard !Programs.isExecutable(copy) else { return }
        try Files.write(Files.read(program), to: copy, mode: .ownerReadWriteExecute)
        guard chmod(copy.string, 0o755) == 0 else {
            throw .system(attempt: "make executable", subject: copy.string, errno: errno)
        }
    }

    func remove() throws(LocalTopologyError) {
        try Files.removeTree(path)
        try? lock.close()
    }

    /// Keeps the folder for a person who will read it: without its lock file no clean-up removes it.
    func keep() {
        unlink(path.appending("lock").string)
        try? lock.close()
    }

    /// Removes the folders of clusters whose process was killed before it could: their lock is there, and free.
    private static func sweep(_ parent: FilePath) {
        for name in (try? Files.names(in: parent)) ?? [] where name.hasPrefix(prefix) {
            let folder = parent.appending(name)
            var information = stat()
            guard lstat(folder.string, &information) == 0, information.st_uid == geteuid(),
                let lock = try? FileDescriptor.open(
                    folder.appending("lock"), .readOnly, options: [.closeOnExec, .noFollow])
            else { continue }
            if flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 { try? Files.removeTree(folder) }
            try? lock.close()
        }
    }
}
