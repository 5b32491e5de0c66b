import CHiredis

/// hiredis' reader, with a bound on what it builds: each element and each text counts, and what goes beyond is refused when it is
/// announced.
@safe
struct BoundedReader: ~Copyable {
    let reader: UnsafeMutablePointer<redisReader>
    /// Whether the reader is given back with this value; else it is of a context, which is given back first.
    private let isOwner: Bool
    private let allowance: UnsafeMutablePointer<ReplyAllowance>

    /// A separate reader.
    init() {
        guard let reader = unsafe redisReaderCreate() else { preconditionFailure("hiredis: out of memory") }
        unsafe self.init(reader, isOwner: true)
    }

    /// The reader of a context.
    init(of context: UnsafeMutablePointer<redisContext>) {
        unsafe self.init(context.pointee.reader, isOwner: false)
    }

    private init(_ reader: UnsafeMutablePointer<redisReader>, isOwner: Bool) {
        unsafe self.reader = reader
        self.isOwner = isOwner
        unsafe allowance = .allocate(capacity: 1)
        unsafe allowance.initialize(to: ReplyAllowance(.anything, maximumBytes: .max))
        unsafe reader.pointee.fn = boundedFunctions
        unsafe reader.pointee.privdata = UnsafeMutableRawPointer(allowance)
    }

    deinit {
        if isOwner { unsafe redisReaderFree(reader) }
        unsafe allowance.deinitialize(count: 1)
        unsafe allowance.deallocate()
    }

    /// What the reply may be that is read next. Nothing where a part of it has been read already.
    func expect(_ expected: ExpectedReply, maximumBytes: Int) {
        guard !hasBegun else { return }
        unsafe allowance.pointee = ReplyAllowance(expected, maximumBytes: maximumBytes)
    }

    var expected: ExpectedReply { unsafe allowance.pointee.expected }

    /// Whether at least the type of a reply has been read that is not complete.
    var hasBegun: Bool { unsafe reader.pointee.ridx > 0 || (reader.pointee.ridx == 0 && taskType != -1) }

    /// What has come and is not read.
    var unreadBytes: Int { unsafe reader.pointee.len - reader.pointee.pos }

    func feed(_ bytes: UnsafeRawBufferPointer) throws(ReplyReaderError) {
        let status = unsafe redisReaderFeed(
            reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        guard status == REDIS_OK else { throw error }
    }

    /// The next reply, if all of it has come.
    func next() throws(ReplyReaderError) -> Reply? {
        var object: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &object) == REDIS_OK else { throw error }
        guard let object = unsafe object else { return nil }
        return unsafe Reply(owning: object.assumingMemoryBound(to: redisReply.self))
    }

    /// Looks at what has come of the reply that is not complete: hiredis waits for the end of a line or a text, however long.
    func checkPart() throws(ReplyReaderError) {
        guard hasBegun else { return }
        let isGood: Bool =
            switch taskType {
            case REDIS_REPLY_STRING:
                if let length = announcedLength {
                    unsafe allowance.pointee.expectText(length)
                } else {
                    unsafe allowance.pointee.expectLine(unreadBytes, isNumber: true)
                }
            case REDIS_REPLY_STATUS, REDIS_REPLY_ERROR:
                unsafe allowance.pointee.expectLine(unreadBytes, isNumber: false)
            default:
                // The type of the next element may not have come, and what is here is not looked at yet.
                unsafe taskType == -1 || allowance.pointee.expectLine(unreadBytes, isNumber: true)
            }
        guard isGood else { throw error }
    }

    /// Refuses a text for being longer than its command's answer may be.
    func check(announced length: Int) throws(ReplyReaderError) {
        guard expected.bytes == nil || (unsafe allowance.pointee.expectText(length)) else { throw error }
    }

    /// How long the bulk string is of which all but the type waits in the buffer, where the number has come.
    ///
    /// hiredis takes the type's byte alone, and leaves the length in its buffer until the whole value has come (0.14.1,
    /// `read.c`, `processBulkItem`).
    var announcedLength: Int? { announced?.length }

    /// The same, with how many bytes it and its line end take.
    var announced: (length: Int, head: Int)? {
        guard let buffer = unsafe reader.pointee.buf else { return nil }
        let count = unreadBytes
        let start = unsafe UnsafeRawPointer(buffer + reader.pointee.pos)
        var length = 0
        for index in 0..<min(count, Self.lengthDigits + 1) {
            let byte = unsafe start.load(fromByteOffset: index, as: UInt8.self)
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else {
                guard byte == UInt8(ascii: "\r"), index > 0, index + 2 <= count else { return nil }
                return (length, index + 2)
            }
            let (tens, isTooMuch) = length.multipliedReportingOverflow(by: 10)
            let (sum, isSumTooMuch) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            length = isTooMuch || isSumTooMuch ? .max : sum
        }
        return nil
    }

    /// Of Int64's greatest.
    private static let lengthDigits = 19

    /// hiredis' type of what is read at the moment, -1 before it is known.
    var taskType: Int32 {
        let index = unsafe Int(reader.pointee.ridx)
        guard index >= 0 else { return -1 }
        return unsafe withUnsafeBytes(of: &reader.pointee.rstack) { tasks in
            unsafe tasks.load(fromByteOffset: index * MemoryLayout<redisReadTask>.stride, as: redisReadTask.self).type
        }
    }

    /// Whether no array is open.
    var isAtTop: Bool { unsafe reader.pointee.ridx == 0 }

    private var error: ReplyReaderError {
        if let refusal = unsafe allowance.pointee.refusal { return refusal }
        let text = unsafe withUnsafeBytes(of: reader.pointee.errstr) { buffer in
            unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
        return unsafe reader.pointee.err == REDIS_ERR_OOM ? .outOfMemory : .malformed(text)
    }
}

/// How hiredis builds its replies by itself. The table is not exported, so it is read off a reader.
private let defaultFunctions: redisReplyObjectFunctions = {
    guard let reader = unsafe redisReaderCreate() else { preconditionFailure("hiredis: out of memory") }
    defer { unsafe redisReaderFree(reader) }
    return unsafe reader.pointee.fn.pointee
}()

/// The same, but that everything is counted first; shared by all readers and never given back, since hiredis keeps the pointer.
/// Where an object is refused, hiredis ends the reading and frees what it had built.
nonisolated(unsafe) private let boundedFunctions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
    let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
    unsafe functions.initialize(to: defaultFunctions)
    unsafe functions.pointee.createArray = { task, elements in
        guard unsafe allowance(of: task).pointee.takeArray(Int(elements)) else { return nil }
        return unsafe defaultFunctions.createArray(task, elements)
    }
    unsafe functions.pointee.createString = { task, text, length in
        guard unsafe allowance(of: task).pointee.takeText(Int(clamping: length)) else { return nil }
        return unsafe defaultFunctions.createString(task, text, length)
    }
    return unsafe functions
}()

/// hiredis hands each task the reader's own pointer.
private func allowance(of task: UnsafePointer<redisReadTask>?) -> UnsafeMutablePointer<ReplyAllowance> {
    unsafe task!.pointee.privdata.assumingMemoryBound(to: ReplyAllowance.self)
}
