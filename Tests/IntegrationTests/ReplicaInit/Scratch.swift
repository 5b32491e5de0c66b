import Glibc
import Testing

/// A folder for one test, removed with all that is in it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var name = Array(
            "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/redis-replica-test-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw Spawned.Failure(description: "cannot make \(name)") }
        path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Other users may pass through: some of the programs run as one.
        chmod(path, 0o711)
    }

    deinit { Self.removeTree(path) }

    /// The checkout that this file is in.
    static var root: String { "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") }

    /// A file's path in the folder.
    subscript(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file, its folders made.
    @discardableResult
    func write(_ name: String, _ bytes: some Sequence<UInt8>, mode: mode_t = 0o644) throws -> String {
        var folder = path
        for component in name.split(separator: "/").dropLast() {
            folder += "/\(component)"
            mkdir(folder, 0o755)
        }
        let file = self[name]
        unlink(file)
        guard mode & 0o111 != 0 else {
            try Self.write(bytes, to: file, mode: mode)
            return file
        }
        // By another process: a program that is open for writing cannot be executed (ETXTBSY), and a child that another
        // thread starts meanwhile would hold our descriptor open.
        let source = self[".\(name.split(separator: "/").last ?? "program")"]
        try Self.write(bytes, to: source, mode: 0o600)
        let copying = try Spawned(
            "/usr/bin/install", ["-m", String(mode, radix: 8), source, file], in: path, log: self[".install"])
        guard copying.ended() == .exited(0) else { throw Spawned.Failure(description: copying.output) }
        return file
    }

    private static func write(_ bytes: some Sequence<UInt8>, to file: String, mode: mode_t) throws {
        guard let stream = fopen(file, "we") else { throw Spawned.Failure(description: "cannot write \(file)") }
        let content = Array(bytes)
        let written = fwrite(content, 1, content.count, stream)
        guard fclose(stream) == 0, written == content.count else {
            throw Spawned.Failure(description: "cannot write \(file)")
        }
        chmod(file, mode)
    }

    /// An executable script or, given a program's path, a link to it.
    func program(_ name: String, _ text: String) throws {
        if text.hasPrefix("/") {
            mkdir(self["bin"], 0o755)
            unlink(self["bin/\(name)"])
            try #require(symlink(text, self["bin/\(name)"]) == 0)
        } else {
            try write("bin/\(name)", text.utf8, mode: 0o755)
        }
    }

    func makeFolder(_ name: String, mode: mode_t = 0o755) {
        mkdir(self[name], mode)
        chmod(self[name], mode)
    }

    func read(_ name: String) throws -> [UInt8] { try Self.read(self[name]) }

    /// The permission bits of a file.
    func mode(of name: String) -> mode_t? {
        var information = stat()
        return stat(self[name], &information) == 0 ? information.st_mode & 0o7777 : nil
    }

    func names(in folder: String = "") -> [String] {
        Self.names(inFolder: folder.isEmpty ? path : self[folder]).sorted()
    }

    static func read(_ file: String) throws -> [UInt8] {
        guard let stream = fopen(file, "r") else { throw Spawned.Failure(description: "cannot read \(file)") }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, stream)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    static func names(inFolder folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    /// Removes what is in a folder.
    func clear(_ folder: String) {
        for name in names(in: folder) { Self.removeTree("\(self[folder])/\(name)") }
    }

    static func removeTree(_ path: String) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        if information.st_mode & S_IFMT == S_IFDIR {
            for name in names(inFolder: path) { removeTree("\(path)/\(name)") }
        }
        remove(path)
    }
}
