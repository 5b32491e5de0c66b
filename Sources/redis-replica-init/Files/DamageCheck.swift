import Glibc
import ReplicaPlanning

/// Checks the files that redis-server is about to load for what it would refuse.
///
/// The check reads what the server reads next anyway. It ends after ``budgetBytes``: what lies behind is left to the server.
struct DamageCheck {
    private let settings: DataSettings
    /// What was found, and the files as they were then.
    private var found: (files: [Stamp], damage: MasterData?)?

    private static let budgetBytes = 1 << 30
    private static let bufferBytes = 1 << 20

    private struct Stamp: Equatable {
        var path: [UInt8]
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    init(_ settings: DataSettings) { self.settings = settings }

    /// The same data, or `damaged`. The files are read once, and again once they changed.
    mutating func judged(_ data: MasterData) -> MasterData {
        switch data {
        case .snapshot, .undated: break
        case .empty, .unlisted, .outdated, .damaged, .unreadable: return data
        }
        let paths = settings.loadedFiles(LiveFiles())
        let stamps = paths.compactMap { file -> Stamp? in
            guard let status = try? System.status(path(file)) else { return nil }
            return Stamp(
                path: file, size: Int(status.st_size), seconds: status.st_mtim.tv_sec,
                nanoseconds: status.st_mtim.tv_nsec)
        }
        if let found, found.files == stamps { return found.damage ?? data }
        var budget = Self.budgetBytes
        var damage: MasterData?
        for (index, file) in paths.enumerated() where damage == nil {
            let isLast = index == paths.count - 1
            if let reason = try? Self.damage(of: file, settings, isLast: isLast, budget: &budget) {
                damage = .damaged(path: file, reason: reason)
            }
        }
        found = (stamps, damage)
        return damage ?? data
    }

    /// Why redis-server would refuse a file; nil where it would not, or where that is not known.
    private static func damage(
        of file: [UInt8], _ settings: DataSettings, isLast: Bool, budget: inout Int
    ) throws(SystemError) -> String? {
        let name = path(file)
        let descriptor = try System.open(name, O_RDONLY)
        defer { System.close(descriptor) }
        var reader = Reader(descriptor: descriptor, path: name, budget: budget)
        defer { budget = reader.budget }
        let head = try System.read(name, upTo: 9)
        var commands = 0
        if let version = RDBEndSearch.version(head) {
            // Before, there was no checksum.
            guard version >= 5 else { return nil }
            var search = RDBEndSearch()
            try reader.read(from: 0) { (bytes, isLast) in
                let done = search.take(bytes, isLast: isLast)
                return search.end == nil ? done : nil
            }
            guard let end = search.end else {
                return reader.isOver ? "its RDB is cut off or damaged: no end has a right checksum" : nil
            }
            commands = end
        }
        guard settings.isAppendOnly else { return nil }
        var scan = CommandScan(at: commands)
        try reader.read(from: commands) { (bytes, _) in
            scan.take(bytes)
            return scan.damage == nil ? bytes.byteCount : nil
        }
        if let place = scan.damage { return "no command begins at byte \(place)" }
        guard reader.isOver, scan.isIncomplete, !isLast || !settings.repairsTail else { return nil }
        return isLast
            ? "it ends within a command, and aof-load-truncated is no"
            : "it ends within a command, and is not the last file"
    }

    /// A file through one buffer.
    private struct Reader {
        let descriptor: Int32
        let path: String
        var budget: Int
        /// Whether the file was read to its end.
        private(set) var isOver = false

        init(descriptor: Int32, path: String, budget: Int) {
            self.descriptor = descriptor
            self.path = path
            self.budget = budget
        }

        /// - Parameter body: takes what was read, and says how much of it is done with; nil to end.
        mutating func read(from begin: Int, _ body: (RawSpan, _ isLast: Bool) -> Int?) throws(SystemError) {
            isOver = false
            let size = Int(try System.status(of: descriptor, path: path).st_size)
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: min(DamageCheck.bufferBytes, max(size - begin, 64)), alignment: 16)
            defer { unsafe buffer.deallocate() }
            var offset = begin
            var pending = 0
            while budget > 0 {
                let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[pending...])
                let count = try System.call("read", path) {
                    unsafe Int32(truncatingIfNeeded: pread(descriptor, room.baseAddress!, room.count, offset))
                }
                offset += Int(count)
                budget -= Int(count)
                pending += Int(count)
                let isLast = count == 0 || offset >= size
                let bytes = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<pending]))
                guard let done = body(bytes, isLast) else { return }
                guard !isLast else {
                    isOver = true
                    return
                }
                _ = unsafe memmove(buffer.baseAddress!, buffer.baseAddress! + done, pending - done)
                pending -= done
            }
        }
    }
}
