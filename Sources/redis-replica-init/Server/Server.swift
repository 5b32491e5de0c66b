import CLinux
import Glibc
import ReplicaPlanning

/// redis-server or valkey-server.
enum Server {
    /// The first of these programs on the PATH.
    static func find(_ names: [String]) throws(Failure) -> String {
        let search = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for name in names {
            for folder in search.split(separator: ":") {
                let candidate = "\(folder)/\(name)"
                if System.isExecutable(candidate) { return candidate }
            }
        }
        throw .unmet(
            "no \(names.joined(separator: " or ")) on the PATH (\(search))",
            cure: "build the image from a redis or valkey image", exitCode: ExitCode.notFound)
    }

    /// Tests that the user the server will be can read its files.
    static func checkReadable(_ paths: [[UInt8]], as privileges: Privileges) throws(Failure) {
        for file in paths {
            do throws(SystemError) {
                try privileges.test(path(file), R_OK, "read")
                try System.checkKind(of: path(file))
            } catch {
                let isNoFile = error.code == EISDIR || error.code == ENXIO
                throw .system(
                    error,
                    cure: isNoFile
                        ? "name a file" : "make it readable for uid \(privileges.account?.userID ?? geteuid())",
                    exitCode: error.isDenied
                        ? ExitCode.permission : isNoFile ? ExitCode.inputOutput : ExitCode.configuration)
            }
        }
    }

    /// Becomes the server; returns only by throwing.
    static func execute(_ program: String, _ arguments: [[UInt8]]) throws(Failure) {
        // Not an array: its type would be made at run time.
        let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 2)
        unsafe vector[0] = strdup(program)
        for (index, argument) in arguments.enumerated() {
            unsafe vector[index + 1] = (argument + [0]).withUnsafeBytes { bytes in
                unsafe strdup(bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
            }
        }
        unsafe vector[arguments.count + 1] = nil
        _ = unsafe execv(program, vector)
        throw .system(
            SystemError(action: "execute", path: program, code: errno), cure: "use an image built for this machine",
            exitCode: ExitCode.cannotExecute)
    }
}
