import Glibc
package import RDBFile

/// The rollback files of a folder.
package struct RollbackListing {
    /// One of them.
    package struct File: Equatable, Sendable {
        package var name: String
        package var parts: RollbackName
        package var fileBytes: Int
        /// In seconds since 1970.
        package var written: Int
        /// How many keys it has, or why that is unknown.
        package var keys: Result<Int, RDBFileError>
    }

    package let folder: String
    /// The newest first.
    private let names: [String]

    /// - Throws: where the folder cannot be read. None is an empty list: no node has kept anything yet.
    package init(folder: String) throws(RollbackError) {
        self.folder = folder
        guard let stream = unsafe opendir(folder) else {
            let code = errno
            guard code == ENOENT else { throw .unreachable(path: folder, reason: reason(code)) }
            // Without the server's own folder this is another container or machine.
            guard unsafe access(Self.parent(of: folder), F_OK) == 0 else {
                throw .unreachable(
                    path: folder, reason: "there is no such folder here; run this where the server's volume is mounted")
            }
            names = []
            return
        }
        defer { unsafe closedir(stream) }
        var found: [(parts: RollbackName, name: String)] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let parts = RollbackName(name) { found.append((parts, name)) }
        }
        names = found.sorted { ($0.parts.term, $0.parts.to) > ($1.parts.term, $1.parts.to) }.map(\.name)
    }

    private static func parent(of folder: String) -> String {
        guard let slash = folder.lastIndex(of: "/") else { return "." }
        return slash == folder.startIndex ? "/" : String(folder[..<slash])
    }

    /// Reads every file to its end.
    ///
    /// - Throws: where one cannot be opened. One that was removed meanwhile is left out.
    package func files() throws(RollbackError) -> [File] {
        var files: [File] = []
        for name in names {
            guard let parts = RollbackName(name) else { continue }
            do throws(RollbackError) {
                files.append(try Self.file(name, parts, in: folder))
            } catch {
                if unsafe access("\(folder)/\(name)", F_OK) != 0, errno == ENOENT { continue }
                throw error
            }
        }
        return files
    }

    private static func file(
        _ name: String, _ parts: RollbackName, in folder: String
    ) throws(RollbackError) -> File {
        let file = try OpenedFile("\(folder)/\(name)")
        var keys: Result<Int, RDBFileError>
        do throws(RDBFileError) {
            keys = .success(try file.read(KeyCount()).keys)
        } catch {
            keys = .failure(error)
        }
        return File(name: name, parts: parts, fileBytes: file.bytes, written: file.written, keys: keys)
    }
}

/// Passes over all values.
private final class KeyCount: RDBVisitor {
    func begin(_ key: RDBKey) -> RDBInterest { .keyOnly }
    func take(_ part: RDBPart) -> Bool { true }
    func end(bytes: Int) -> Bool { true }
}
