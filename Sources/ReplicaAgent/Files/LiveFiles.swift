import Glibc
import RedisConf
import ReplicaPlanning
import SystemFiles

/// The files that are there, as the decisions about the server beside this process need them.
struct LiveFiles: MachineFiles {
    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        try read(path, upTo: ConfigurationBounds.maximumBytes)
    }

    func secret(inFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        try read(path, upTo: SmallFile.maximumBytes)
    }

    private func read(_ path: [UInt8], upTo bytes: Int) throws(FileProblem) -> [UInt8] {
        do throws(SmallFileError) {
            return try SmallFile.read(text(path), upTo: bytes)
        } catch {
            switch error.code {
            case ENOENT, ENOTDIR: throw .missing
            case EACCES, EPERM: throw .denied
            case EISDIR: throw .folder
            case EFBIG: throw .tooLarge(bound: "\(bytes >> 20) MiB")
            default: throw .failed(reason: error.reason)
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
