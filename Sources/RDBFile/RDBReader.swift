public import ReplicaPlanning

/// Reads an RDB file from its first byte to its checksum, in bounded memory.
///
/// Source: redis/redis 8.0 and valkey-io/valkey 9.1 `src/rdb.c`, `rdbLoadRioWithLoadingCtx` and `rdbLoadObject`. It knows what
/// servers from Redis 6.0 to 8.0, redict 7.3 and Valkey 7.2 to 9.1 write.
public struct RDBReader {
    /// A part of a value that is longer is skipped; so is a string with packed elements.
    package static let maximumPartBytes = 8 << 20
    /// An entry of a stream with more fields is skipped, regardless of their size.
    package static let maximumEntryFields = 16_384
    /// A string is handed over in pieces of this size.
    public static let pieceBytes = 64 << 10

    /// What a whole file was.
    public struct Summary: Equatable, Sendable {
        public var format: RDBHeader.Format
        public var keys = 0
        public var bytes = 0
        /// `false`: the server wrote none (`rdbchecksum no`).
        public var hasChecksum = true
        /// What the server wrote about itself: `redis-ver`, `ctime`, `repl-id` and so on.
        public var auxiliary: [String: String] = [:]
    }

    private static let maximumAuxiliaries = 256

    var input: RDBInput
    private var summary = Summary(format: .init(isValkey: false, version: 0))
    private var database = 0
    private var expiresAt: Int64?
    /// Where the key began that is being read.
    private var keyStart: Int?

    /// - Parameter source: gives the next bytes, at most as many as it is asked for; none at the end.
    public init(_ source: @escaping (_ count: Int) throws(RDBSourceError) -> [UInt8]) { input = RDBInput(source) }

    /// Up to where the file was read.
    public var offset: Int { input.offset }

    var format: RDBHeader.Format { summary.format }

    /// - Returns: once the checksum was found right. Until then nothing that the visitor was given is certain.
    public mutating func read(_ visitor: any RDBVisitor) throws(RDBFileError) -> Summary {
        try readMagic()
        while true {
            let offset = input.offset
            let kind = try input.byte()
            if kind == Opcode.endOfFile { break }
            keyStart = keyStart ?? offset
            if try take(kind) { continue }
            try readKey(kind, at: offset, visitor)
            (keyStart, expiresAt) = (nil, nil)
        }
        try readChecksum()
        return summary
    }

    private mutating func readMagic() throws(RDBFileError) {
        var magic: [UInt8] = []
        while magic.count < 9 {
            if try input.isAtEnd() { throw RDBFileError(magic.isEmpty ? .ended : .foreign, at: input.offset) }
            magic.append(try input.byte())
        }
        // The header's own reader wants a whole header; this is the shortest.
        guard let format = RDBHeader(magic + [Opcode.endOfFile])?.format else { throw RDBFileError(.foreign, at: 0) }
        guard format.isValkey ? format.version >= 80 : format.version >= 5 else {
            throw RDBFileError(.version(format), at: 0)
        }
        summary.format = format
    }

    private mutating func readChecksum() throws(RDBFileError) {
        let computed = input.sum()
        let offset = input.offset
        let written = try input.littleEndian(8)
        summary.hasChecksum = written != 0
        guard written == 0 || written == computed else { throw RDBFileError(.checksum, at: offset) }
        guard try input.isAtEnd() else { throw input.damaged("more bytes follow the end of the data") }
        summary.bytes = input.offset
    }

    /// What is no key.
    ///
    /// - Returns: `false` where it is one.
    private mutating func take(_ kind: UInt8) throws(RDBFileError) -> Bool {
        switch kind {
        case Opcode.expiry: expiresAt = Int64(Int32(truncatingIfNeeded: try input.littleEndian(4))) * 1000
        case Opcode.expiryMilliseconds: expiresAt = Int64(bitPattern: try input.littleEndian(8))
        case Opcode.frequency: _ = try input.byte()
        case Opcode.idle: _ = try input.count()
        default:
            guard try takeBetweenKeys(kind) else { return false }
            guard expiresAt == nil else { throw input.damaged("no key follows a time of expiry") }
            keyStart = nil
        }
        return true
    }

    private mutating func takeBetweenKeys(_ kind: UInt8) throws(RDBFileError) -> Bool {
        switch kind {
        case Opcode.database:
            guard let number = Int(exactly: try input.count()), number <= Int(Int32.max) else {
                throw input.damaged("there is no database of such a number")
            }
            database = number
        case Opcode.sizes: for _ in 0..<2 { _ = try input.count() }
        case Opcode.slot: for _ in 0..<3 { _ = try input.count() }
        case Opcode.auxiliary: try takeAuxiliary()
        case Opcode.function: try input.skipText()
        case Opcode.module:
            _ = try input.count()
            for _ in 0..<2 { _ = try input.count() }
            try skipModuleValue()
        case Opcode.slotImport where format.isValkey:
            try input.skipText()
            for _ in 0..<(try input.count()) { for _ in 0..<2 { _ = try input.count() } }
        default: return false
        }
        return true
    }

    private mutating func takeAuxiliary() throws(RDBFileError) {
        guard let name = try input.text(upTo: 256) else { return try input.skipText() }
        guard let value = try input.text(upTo: 1024), summary.auxiliary.count < Self.maximumAuxiliaries else { return }
        summary.auxiliary[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
    }

    private mutating func readKey(
        _ kind: UInt8, at offset: Int, _ visitor: any RDBVisitor
    ) throws(RDBFileError) {
        guard let form = ValueForm(kind, in: format) else {
            throw RDBFileError(.unknownKind(kind, isNewer: isNewer), at: offset)
        }
        let text = try input.text()
        let key: RDBKey
        var module: UInt64?
        let (name, isWhole) = try readName(text)
        if case .module = form { module = try input.count() }
        key = RDBKey(
            database: database, name: name, isWhole: isWhole, type: form.type(module), expiresAt: expiresAt)
        let interest = visitor.begin(key)
        guard interest != .stop else { throw RDBFileError(.stopped, at: input.offset) }
        if module != nil {
            try skipModuleValue()
        } else {
            try readValue(form, interest == .value ? visitor : nil)
        }
        summary.keys += 1
        guard visitor.end(bytes: input.offset - (keyStart ?? offset)) else {
            throw RDBFileError(.stopped, at: input.offset)
        }
    }

    /// What is kept of a name that is too long.
    private static let keptNameBytes = 1024

    private mutating func readName(_ text: RDBInput.Text) throws(RDBFileError) -> ([UInt8], isWhole: Bool) {
        switch text {
        case .number(let bytes): return (bytes, true)
        case .plain(let count):
            guard count <= UInt64(Self.maximumPartBytes) else {
                let name = try input.bytes(Self.keptNameBytes)
                try input.skip(count - UInt64(Self.keptNameBytes))
                return (name, false)
            }
            return (try input.bytes(Int(count)), true)
        case .compressed(let bytes, let whole):
            var name: [UInt8] = []
            let isWhole = whole <= UInt64(Self.maximumPartBytes)
            try input.expand(bytes, to: whole, piece: isWhole ? Self.maximumPartBytes : Self.keptNameBytes) {
                piece, _ in
                if name.isEmpty { name = piece }
                return true
            }
            return (name, isWhole)
        }
    }

    /// Whether the file may hold what this reader does not know.
    private var isNewer: Bool { format.version > (format.isValkey ? 80 : 12) }

    private enum Opcode {
        static let slotImport: UInt8 = 0xF3
        static let slot: UInt8 = 0xF4
        static let function: UInt8 = 0xF5
        static let module: UInt8 = 0xF7
        static let idle: UInt8 = 0xF8
        static let frequency: UInt8 = 0xF9
        static let auxiliary: UInt8 = 0xFA
        static let sizes: UInt8 = 0xFB
        static let expiryMilliseconds: UInt8 = 0xFC
        static let expiry: UInt8 = 0xFD
        static let database: UInt8 = 0xFE
        static let endOfFile: UInt8 = 0xFF
    }
}
