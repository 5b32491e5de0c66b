import Glibc
import RedisCore
import SystemFiles

/// The record of whom the replica follows: written whole, by a rename.
struct RecordFile: Sendable {
    let path: String

    /// What an earlier life has left.
    ///
    /// - Returns: `nil` where there is nothing.
    /// - Throws: where something is there and cannot be used.
    func read() throws(RecordFileError) -> MasterRecord? {
        let bytes: [UInt8]
        do throws(SmallFileError) {
            bytes = try SmallFile.read(path, upTo: MasterRecord.maximumBytes)
        } catch {
            if error.code == ENOENT { return nil }
            throw RecordFileError("\(error), the record of whom the replica follows")
        }
        guard let record = MasterRecord(parsing: bytes) else {
            throw RecordFileError("the record \(path) cannot be understood, and is written again")
        }
        return record
    }

    func write(_ record: MasterRecord) throws(RecordFileError) {
        let temporary = path + ".new"
        let text = Array(record.text.utf8)
        let descriptor = unsafe open(
            temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else { throw .unwritable(path) }
        let written = unsafe text.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        let isWhole = written == text.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWhole, unsafe rename(temporary, path) == 0 else {
            let error = RecordFileError.unwritable(path)
            unsafe unlink(temporary)
            throw error
        }
    }
}

struct RecordFileError: Error, CustomStringConvertible, Sendable {
    let description: String

    init(_ description: String) { self.description = description }

    static func slow(_ path: String) -> RecordFileError {
        RecordFileError(
            "the record \(path) is not written yet: its disk does not answer; until then a start of the server follows "
                + "the environment. Check the volume")
    }

    static func unread(_ path: String) -> RecordFileError {
        RecordFileError(
            "the record \(path) is not read yet: its disk does not answer; the replica is not moved before that. Check "
                + "the volume")
    }

    static func unwritable(_ path: String) -> RecordFileError {
        RecordFileError(
            "cannot write the record \(path): \(SystemText.ofErrno); the server's next start follows its environment. "
                + "Mount a folder there that both containers can write, or set REDIS_MASTER_RECORD_FILE")
    }
}

enum SystemText {
    /// What the last system call failed with.
    static var ofErrno: String { unsafe String(cString: strerror(errno)) }
}
