import Glibc
import RedisCore
import ReplicaPlanning

/// Streams a replica's RDB into a file: whole and checked, or not at all.
struct CopyFile {
    let path: String
    /// Who the server will be.
    let account: Account?
    /// Where the data comes from, for the messages.
    let source: MasterAddress

    /// Longer than the line with the length, which is `$EOF:` and 40 bytes at the most.
    private static let maximumLengthLine = 64
    /// What a refusal may have.
    private static let maximumErrorLine = 1024
    private static let bufferBytes = 1 << 20

    /// - Returns: how many bytes the file has.
    @discardableResult
    func fill(from stream: borrowing DataStream, _ placeholder: inout PlaceholderServer) throws(ReseedFailure) -> Int {
        System.remove(path)
        let file = try onFiles { () throws(SystemError) in
            try System.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        }
        defer { System.close(file) }
        if let account {
            try onFiles { () throws(SystemError) in
                try System.call("give away", path) { fchown(file, account.userID, account.groupID) }
            }
        }
        let bytes = try receive(from: stream, into: file, &placeholder)
        try onFiles { () throws(SystemError) in try System.call("write to the disk", path) { fsync(file) } }
        return bytes
    }

    private func receive(
        from stream: borrowing DataStream, into file: Int32, _ placeholder: inout PlaceholderServer
    ) throws(ReseedFailure) -> Int {
        var transfer = RDBTransfer()
        var clock = TransferClock()
        var pace = TransferPace()
        try awaitBeginning(of: &transfer, stream, &pace, clock, &placeholder)
        if let bytes = transfer.announcedBytes { try checkRoom(for: bytes, on: file) }
        pace.takeData(bytes: 0, at: clock.now)
        var progress = Progress(source)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 16)
        defer { unsafe buffer.deallocate() }
        var pending = 0
        while !transfer.isOver {
            try awaitBytes(stream, pace, clock, &placeholder)
            let room = transfer.room(buffer.count - pending, pending: pending)
            let count = try unsafe stream.read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[pending..<pending + room]), from: source)
            if count > 0 { pace.takeData(bytes: count, at: clock.now) }
            pending += count
            let taken = try unsafe transfer.take(
                RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<pending])))
            let writing = Moment.now
            try onFiles { () throws(SystemError) in
                unsafe try System.write(UnsafeRawBufferPointer(rebasing: buffer[..<taken]), to: file, path: path)
            }
            clock.writing += writing.elapsedMilliseconds
            // Moves the kept bytes to the front: a few dozen.
            _ = unsafe memmove(buffer.baseAddress!, buffer.baseAddress! + taken, pending - taken)
            pending -= taken
            progress.tell(transfer)
        }
        progress.finish(transfer)
        return transfer.takenBytes
    }

    /// Before anything is written: a disk that is full in the end may hold more than this server's data.
    private func checkRoom(for bytes: Int, on file: Int32) throws(ReseedFailure) {
        var status = statvfs()
        // A file system that does not tell its size is written to.
        guard unsafe fstatvfs(file, &status) == 0, status.f_blocks > 0 else { return }
        let free = Int(clamping: UInt64(status.f_bavail).saturatingMultiplied(by: UInt64(status.f_frsize)))
        guard bytes > free else { return }
        throw .files(
            "\(source) sends \(bytes) bytes, and the file system of \(shownPath(Array(path.utf8))) has \(free) bytes free: give the volume more room"
        )
    }

    /// Reads the lines before the RDB, byte by byte: not one of the RDB's own.
    private func awaitBeginning(
        of transfer: inout RDBTransfer, _ stream: borrowing DataStream, _ pace: inout TransferPace,
        _ clock: TransferClock, _ placeholder: inout PlaceholderServer
    ) throws(ReseedFailure) {
        var line: [UInt8] = []
        while true {
            try awaitBytes(stream, pace, clock, &placeholder)
            var byte: UInt8 = 0
            let buffer = unsafe withUnsafeMutableBytes(of: &byte) { unsafe $0 }
            guard try unsafe stream.read(into: buffer, from: source) == 1 else { continue }
            guard byte == UInt8(ascii: "\n") else {
                if byte != UInt8(ascii: "\r") {
                    pace.takeLengthByte(at: clock.now)
                    line.append(byte)
                }
                let limit = line.first == UInt8(ascii: "-") ? Self.maximumErrorLine : Self.maximumLengthLine
                guard line.count < limit else { throw .transfer("\(source)'s answer to SYNC cannot be read") }
                continue
            }
            if line.isEmpty { pace.takeEmptyLine(at: clock.now) }
            if case .begins = try transfer.announce(line) { return }
            line = []
        }
    }

    /// Until there is something to read; the replicas are answered meanwhile.
    private func awaitBytes(
        _ stream: borrowing DataStream, _ pace: TransferPace, _ clock: TransferClock,
        _ placeholder: inout PlaceholderServer
    ) throws(ReseedFailure) {
        while true {
            if Interruption.isWanted { throw .interrupted }
            if let objection = pace.objection(at: clock.now) { throw .transfer("\(source) \(objection)") }
            let hasPending = stream.hasPending
            if try placeholder.turn(milliseconds: hasPending ? 0 : 500, alsoFor: stream.descriptor) || hasPending {
                return
            }
        }
    }
}

/// The time that the source has had: what our own disk took is not among it.
private struct TransferClock {
    private let begin = Moment.now
    var writing = 0

    /// In milliseconds.
    var now: Int { begin.elapsedMilliseconds - writing }
}

/// How far the copy is, every two seconds, and how fast it was.
private struct Progress {
    private let source: MasterAddress
    private let begin = Moment.now
    private var toldSeconds = 0

    init(_ source: MasterAddress) { self.source = source }

    mutating func tell(_ transfer: RDBTransfer) {
        let seconds = begin.elapsedSeconds
        guard seconds - toldSeconds >= 2 else { return }
        toldSeconds = seconds
        let share =
            transfer.announcedBytes.map { " of \(Self.megabytes($0)) (\(transfer.takenBytes * 100 / $0) %)" } ?? ""
        Terminal.complain(["reseed: \(Self.megabytes(transfer.takenBytes))\(share) from \(source)"])
    }

    func finish(_ transfer: RDBTransfer) {
        let milliseconds = max(begin.elapsedMilliseconds, 1)
        let check = transfer.hasChecksum ? "checksum right" : "no checksum in it (rdbchecksum no)"
        Terminal.complain([
            "reseed: \(transfer.takenBytes) bytes from \(source) in \(milliseconds) ms, "
                + "\(transfer.takenBytes / milliseconds / 1000) MB/s, \(check)"
        ])
    }

    private static func megabytes(_ bytes: Int) -> String { "\(bytes / 1_000_000) MB" }
}
