import Glibc
import RedisConf
import ReplicaInit
import SystemFiles

/// The files that are there, as the decisions about the server beside this process need them.
struct LiveFiles: MachineFiles {
    /// Configurations have been seen of 100,000 lines.
    private static let maximumBytes = 64 << 20

    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        do throws(SmallFileError) {
            return try SmallFile.read(text(path), upTo: Self.maximumBytes)
        } catch {
            switch error.code {
            case ENOENT, ENOTDIR: throw .missing
            case EACCES, EPERM: throw .denied
            default: throw .failed(reason: unsafe String(cString: strerror(error.code)))
            }
        }
    }

    func names(inFolder path: [UInt8]) -> [[UInt8]] {
        guard let folder = unsafe opendir(text(path)) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [[UInt8]] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(Array(name.utf8)) }
        }
        return names
    }

    func exists(_ path: [UInt8]) -> Bool { unsafe access(text(path), F_OK) == 0 }

    func isFolder(_ path: [UInt8]) -> Bool {
        var status = stat()
        return unsafe stat(text(path), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    func canWrite(inFolder path: [UInt8], as account: Account?) -> Bool {
        unsafe isFolder(path) && access(text(path), W_OK | X_OK) == 0
    }

    private func text(_ path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }
}
