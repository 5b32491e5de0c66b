import Glibc
import RedisConf
import ReplicaPlanning

/// The files that are really there.
struct LiveFiles: MachineFiles {
    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        try read(path, upTo: ConfigurationBounds.maximumBytes)
    }

    func secret(inFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        try read(path, upTo: System.maximumSecretBytes)
    }

    private func read(_ path: [UInt8], upTo bytes: Int) throws(FileProblem) -> [UInt8] {
        do throws(SystemError) {
            return try System.read(Self.name(path), bound: bytes)
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

    func canWrite(inFolder path: [UInt8], as account: Account?) -> Bool {
        let folder = Self.name(path)
        guard System.isFolder(folder) else { return false }
        do throws(SystemError) {
            try Self.privileges(account).test(folder, W_OK | X_OK, "write to")
            return true
        } catch {
            return false
        }
    }

    func canWrite(inFolder path: [UInt8], onceGivenTo account: Account, _ owned: OwnedFiles) -> Bool {
        DataFolder.willBeGiven(Self.name(path), owned) || canWrite(inFolder: path, as: account)
    }

    func problem(readingFile path: [UInt8], as account: Account?) -> FileProblem? {
        let file = Self.name(path)
        do throws(SystemError) {
            try Self.privileges(account).test(file, R_OK, "read")
            try System.checkKind(of: file)
            return nil
        } catch {
            return Self.problem(error)
        }
    }

    private static func privileges(_ account: Account?) -> Privileges { account.map { .drop(to: $0) } ?? .keep }

    private static func problem(_ error: SystemError) -> FileProblem {
        switch error.code {
        case ENOENT, ENOTDIR: .missing
        case EISDIR: .folder
        case EFBIG where error.limit > 0: .tooLarge(bound: "\(error.limit >> 20) MiB")
        default: error.isDenied ? .denied : .failed(reason: error.reason)
        }
    }

    private static func name(_ bytes: [UInt8]) -> String { path(bytes) }
}

extension LiveFiles: DataFiles {
    func size(ofFile path: [UInt8]) -> Int? {
        guard let status = try? System.status(Self.name(path)), status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    func changeSeconds(ofFile path: [UInt8]) -> Int64? {
        (try? System.status(Self.name(path))).map { Int64($0.st_mtim.tv_sec) }
    }

    func prefix(ofFile path: [UInt8], count: Int) throws(FileProblem) -> [UInt8] {
        do throws(SystemError) {
            return try System.read(Self.name(path), upTo: count)
        } catch {
            throw Self.problem(error)
        }
    }
}
