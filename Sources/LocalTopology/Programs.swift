internal import Glibc
public import SystemPackage

/// Where programs are found.
public enum Programs {
    /// Finds a program of this package beside the running one: kv-local's folder, or that of the test bundle.
    public static func built(_ name: String) throws(LocalTopologyError) -> FilePath {
        let folder = running.removingLastComponent()
        let path = folder.appending(name)
        guard isExecutable(path) else {
            let configuration = folder.lastComponent?.string == "release" ? "-c release " : ""
            throw .notBuilt(
                program: name, lookedIn: folder.string, command: "swift build \(configuration)--product \(name)")
        }
        return path
    }

    /// Finds a program of the system on PATH.
    /// - Parameter package: The Debian package that brings it.
    public static func installed(_ name: String, package: String) throws(LocalTopologyError) -> FilePath {
        let folders = (environmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
        for folder in folders.map(String.init) + ["/usr/sbin", "/sbin"] {
            let path = FilePath(folder).appending(name)
            if isExecutable(path) { return path }
        }
        throw .notInstalled(program: name, package: package)
    }

    /// The test bundle, which swift-testing's runner loads and names in its arguments, else the executable itself.
    public static var running: FilePath {
        if let bundle = CommandLine.arguments.first(where: { $0.hasSuffix(".xctest") }) {
            return FilePath(bundle)
        }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { return FilePath(CommandLine.arguments.first ?? "") }
        return FilePath(String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    /// Whether a process runs: a zombie, which still has its number, does not.
    public static func isAlive(_ processIdentifier: Int32) -> Bool {
        guard let bytes = try? Files.read(FilePath("/proc/\(processIdentifier)/stat")),
            let name = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return false }
        return !bytes[name...].dropFirst(2).starts(with: [UInt8(ascii: "Z")])
    }

    static func isExecutable(_ path: FilePath) -> Bool { access(path.string, X_OK) == 0 }
}

func environmentVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}
