import Glibc
import ReplicaInit
import Replication

/// Streams a replica's RDB into a file: whole and checked, or not at all.
struct CopyFile {
    let path: String
    /// Who the server will be.
    let account: Account?
    /// Where the data comes from, for the messages.
    let source: MasterAddress

    /// Nothing at all for so long: the replica is gone.
    private static let patienceSeconds = 60
    private static let bufferBytes = 1 << 20

    /// - Returns: how many bytes the file has.
    @discardableResult
    func fill(from stream: Int32, _ standIn: inout StandIn) throws(ReseedFailure) -> Int {
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
        let bytes = try receive(from: stream, into: file, &standIn)
        try onFiles { () throws(SystemError) in try System.call("write to the disk", path) { fsync(file) } }
        return bytes
    }

    private func receive(
        from stream: Int32, into file: Int32, _ standIn: inout StandIn
    ) throws(ReseedFailure) -> Int {
        var transfer = RDBTransfer()
        try awaitBeginning(of: &transfer, stream, &standIn)
        var progress = Progress(source)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 16)
        defer { unsafe buffer.deallocate() }
        var pending = 0
        while !transfer.isOver {
            try awaitBytes(stream, &standIn)
            let room = transfer.room(buffer.count - pending, pending: pending)
            pending += try unsafe read(
                stream, into: UnsafeMutableRawBufferPointer(rebasing: buffer[pending..<pending + room]))
            let taken = try unsafe transfer.take(
                RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<pending])))
            try onFiles { () throws(SystemError) in
                unsafe try System.write(UnsafeRawBufferPointer(rebasing: buffer[..<taken]), to: file, path: path)
            }
            // What is held back, to the front: some dozen bytes.
            _ = unsafe memmove(buffer.baseAddress!, buffer.baseAddress! + taken, pending - taken)
            pending -= taken
            progress.tell(transfer)
        }
        progress.finish(transfer)
        return transfer.takenBytes
    }

    /// Reads the lines before the RDB, byte by byte: not one of the RDB's own.
    private func awaitBeginning(
        of transfer: inout RDBTransfer, _ stream: Int32, _ standIn: inout StandIn
    ) throws(ReseedFailure) {
        var line: [UInt8] = []
        while true {
            try awaitBytes(stream, &standIn)
            var byte: UInt8 = 0
            let buffer = unsafe withUnsafeMutableBytes(of: &byte) { unsafe $0 }
            guard try unsafe read(stream, into: buffer) == 1 else { continue }
            guard byte == UInt8(ascii: "\n") else {
                if byte != UInt8(ascii: "\r") { line.append(byte) }
                guard line.count < 1024 else { throw .transfer("\(source)'s answer to SYNC cannot be read") }
                continue
            }
            if case .begins = try transfer.announce(line) { return }
            line = []
        }
    }

    /// Until there is something to read; the replicas are answered meanwhile.
    private func awaitBytes(_ stream: Int32, _ standIn: inout StandIn) throws(ReseedFailure) {
        let begin = Moment.now
        while true {
            if Interruption.isWanted { throw .interrupted }
            if try standIn.turn(milliseconds: 500, alsoFor: stream) { return }
            guard begin.elapsedSeconds < Self.patienceSeconds else {
                throw .transfer("\(source) sent nothing for \(Self.patienceSeconds) s")
            }
        }
    }

    private func read(_ stream: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(ReseedFailure) -> Int {
        let count = unsafe Glibc.read(stream, buffer.baseAddress!, buffer.count)
        if count > 0 { return count }
        if count == -1, errno == EINTR || errno == EAGAIN { return 0 }
        let reason = count == 0 ? "" : ": \(unsafe String(cString: strerror(errno)))"
        throw .transfer("\(source) ended the connection before its data was here\(reason)")
    }
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
