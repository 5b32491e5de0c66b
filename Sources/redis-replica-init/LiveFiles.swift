import Glibc
import RedisConf
import ReplicaInit

/// The files that are really there.
struct LiveFiles: MachineFiles {
    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        do throws(SystemError) {
            return try System.read(Self.name(path))
        } catch {
            throw error.code == ENOENT || error.code == ENOTDIR
                ? .missing : error.isDenied ? .denied : .failed(errno: error.code)
        }
    }

    func names(inFolder path: [UInt8]) -> [[UInt8]] {
        guard let folder = try? System.open(Self.name(path), O_RDONLY | O_DIRECTORY) else { return [] }
        defer { System.close(folder) }
        return (try? System.names(in: folder, path: Self.name(path))) ?? []
    }

    func exists(_ path: [UInt8]) -> Bool { System.exists(Self.name(path)) }

    func isFolder(_ path: [UInt8]) -> Bool { System.isFolder(Self.name(path)) }

    private static func name(_ bytes: [UInt8]) -> String { path(bytes) }
}
