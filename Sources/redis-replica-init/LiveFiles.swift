import Glibc
import RedisConf
import ReplicaInit

/// The files that are really there.
struct LiveFiles: MachineFiles {
    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        do throws(SystemError) {
            return try System.read(Self.name(path))
        } catch {
            throw Self.problem(error)
        }
    }

    func names(inFolder path: [UInt8]) -> [[UInt8]] {
        guard let folder = try? System.open(Self.name(path), O_RDONLY | O_DIRECTORY) else { return [] }
        defer { System.close(folder) }
        return (try? System.names(in: folder, path: Self.name(path))) ?? []
    }

    func exists(_ path: [UInt8]) -> Bool { System.exists(Self.name(path)) }

    func isFolder(_ path: [UInt8]) -> Bool { System.isFolder(Self.name(path)) }

    /// By the folder's owner, group and mode where it is about another user than us.
    func canWrite(inFolder path: [UInt8], as account: Account?) -> Bool {
        let folder = Self.name(path)
        guard let status = try? System.status(folder), status.st_mode & S_IFMT == S_IFDIR else { return false }
        guard let account else { return System.canWrite(folder) }
        let needed: mode_t =
            status.st_uid == account.userID ? 0o300 : account.groups.contains(status.st_gid) ? 0o030 : 0o003
        return status.st_mode & needed == needed
    }

    private static func problem(_ error: SystemError) -> FileProblem {
        error.code == ENOENT || error.code == ENOTDIR
            ? .missing : error.isDenied ? .denied : .failed(reason: error.reason)
    }

    private static func name(_ bytes: [UInt8]) -> String { path(bytes) }
}

extension LiveFiles: DataFiles {
    func size(ofFile path: [UInt8]) -> Int? {
        guard let status = try? System.status(Self.name(path)), status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    func prefix(ofFile path: [UInt8], count: Int) throws(FileProblem) -> [UInt8] {
        do throws(SystemError) {
            return try System.read(Self.name(path), upTo: count)
        } catch {
            throw Self.problem(error)
        }
    }
}
