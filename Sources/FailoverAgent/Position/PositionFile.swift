import Glibc
import SystemFiles

/// The position on the volume. A crash at any point leaves the old one or the new one.
package struct PositionFile: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// - Returns: `nil` where there is none.
    package func read() throws(PositionFileError) -> StoredPosition? {
        let bytes: [UInt8]
        do throws(SmallFileError) {
            bytes = try SmallFile.read(path, upTo: StoredPosition.maximumBytes)
        } catch {
            if error.code == ENOENT { return nil }
            throw PositionFileError("cannot read the position file \(path): \(error.reason)")
        }
        do throws(StoredPositionError) {
            return try StoredPosition(parsing: bytes)
        } catch {
            throw PositionFileError(
                "cannot use the position file \(path): \(error). This node is not promoted before it has replicated from "
                    + "the leader; then the file is written again")
        }
    }

    /// One system call of a write, in order: a crash comes between two of them, or in the middle of one.
    package enum Step: Equatable, Sendable {
        case createTemporary
        case write([UInt8])
        case synchronise
        case rename
        case synchroniseFolder
    }

    package static func steps(_ position: StoredPosition) -> [Step] {
        [.createTemporary, .write(Array(position.text.utf8)), .synchronise, .rename, .synchroniseFolder]
    }

    /// Blocks until the disk has it.
    package func write(_ position: StoredPosition) throws(PositionFileError) { try perform(Self.steps(position)) }

    /// What is left open by steps that are not there is closed.
    package func perform(_ steps: [Step]) throws(PositionFileError) {
        var descriptor: CInt = -1
        defer { if descriptor >= 0 { close(descriptor) } }
        for step in steps {
            switch step {
            case .createTemporary:
                descriptor = unsafe open(
                    temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
                guard descriptor >= 0 else { throw unwritable("create") }
            case .write(let bytes):
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { throw unwritable("write") }
                    rest = rest.dropFirst(count)
                }
            case .synchronise: guard fsync(descriptor) == 0 else { throw unwritable("write") }
            case .rename: guard unsafe Glibc.rename(temporary, path) == 0 else { throw unwritable("replace") }
            case .synchroniseFolder:
                let folder = unsafe open(self.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                guard folder >= 0 else { throw unwritable("open the folder of") }
                defer { close(folder) }
                guard fsync(folder) == 0 else { throw unwritable("write the folder of") }
            }
        }
    }

    /// Beside the file: a rename within one file system.
    package var temporary: String { path + ".new" }

    private var folder: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func unwritable(_ attempt: String) -> PositionFileError {
        PositionFileError(
            "cannot \(attempt) the position file \(path): \(unsafe String(cString: strerror(errno))). After a restart from "
                + "an append-only file this node does not know how far its data go. Look after the volume")
    }
}

package struct PositionFileError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
