import Glibc
import RedisConf
import RedisCore
import ReplicaPlanning

/// The configuration that the local server was started with, where this process can change it: whom it replicates, and nothing
/// else.
struct ServerFile: Sendable {
    enum Outcome: Equatable, Sendable {
        case changed
        /// Why not, in words.
        case left(String)
    }

    let path: String

    /// Replaces the line that names a master, by a temporary file and a rename.
    ///
    /// A file that names another one than the server has followed is not the server's: containers have folders of their own.
    func replaceMaster(_ before: MasterAddress, by master: MasterAddress) -> Outcome {
        let files = LiveFiles()
        let contents: [UInt8]
        do throws(FileProblem) {
            contents = try ConfigurationBounds.contents(ofFile: Array(path.utf8), in: files)
        } catch {
            return .left("it cannot be read here (\(error.reason)); the next start follows what stands there")
        }
        switch Self.changed(contents, path: Array(path.utf8), from: before, to: master, files: files) {
        case .left(let reason): return .left(reason)
        case .changed(let bytes): return write(bytes)
        }
    }

    enum Change: Equatable {
        case changed([UInt8])
        case left(String)
    }

    /// - Parameter path: of the file, for what it includes.
    static func changed<Files: ConfigurationFiles>(
        _ contents: [UInt8], path: [UInt8], from before: MasterAddress, to master: MasterAddress, files: Files
    ) -> Change {
        var document = Document(contents)
        let folder = path[..<(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)]
        let effective = EffectiveConfiguration(
            document, path: path, folder: Array(folder), expandsGlobs: true, files: files)
        guard effective.faults.isEmpty else {
            return .left("something in it, or in what it includes, cannot be read here")
        }
        guard let line = effective.last("replicaof") else { return .left("it names no master") }
        guard line.entry.values == [Array(before.host.utf8), Array("\(before.port)".utf8)] else {
            return .left("it does not name \(before)")
        }
        document.set(
            "replicaof", to: [Array(master.host.utf8), Array("\(master.port)".utf8)],
            placement: line.file == 0 ? .whereEffective : .atEnd)
        return .changed(document.rendered())
    }

    private func write(_ bytes: [UInt8]) -> Outcome {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return left() }
        let temporary = "\(path).\(getpid()).new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return left() }
        let isMeant =
            (status.st_uid == geteuid() || fchown(descriptor, status.st_uid, status.st_gid) == 0)
            && fchmod(descriptor, status.st_mode & 0o777) == 0
        var rest = bytes[...]
        while isMeant, !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let isWhole = isMeant && rest.isEmpty && fsync(descriptor) == 0
        close(descriptor)
        guard isWhole, unsafe rename(temporary, path) == 0 else {
            let outcome = left()
            unsafe unlink(temporary)
            return outcome
        }
        return .changed
    }

    private func left() -> Outcome {
        .left("it cannot be written here (\(SystemText.ofErrno)); the next start follows what stands there")
    }
}
