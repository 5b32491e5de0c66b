internal import CHiredis
internal import Glibc

/// A connection to one Redis server that blocks the calling thread; owns its redisContext and frees it at the end of its life.
///
/// For probes, tests and tools; the event loops use the reply reader. Keep it off the cooperative pool.
///
/// Writing to a connection that the server has closed raises SIGPIPE, which hiredis does not suppress: a program that uses
/// this type ignores SIGPIPE, and then sees ``BlockingConnectionError/broken(address:command:reason:)``.
///
/// Replies come from a server one trusts: hiredis 0.14 allocates whatever array length it is told.
@safe
public struct BlockingConnection: ~Copyable {
    private let context: UnsafeMutablePointer<redisContext>
    private let address: String
    private var isUsable = true

    /// Connects over TCP.
    /// - Parameters:
    ///   - host: A name or a literal address.
    ///   - timeout: The longest a connect, and then each read or write, may take. Above zero.
    public init(host: String, port: Int, timeout: Duration) throws(BlockingConnectionError) {
        let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        guard let port = CInt(exactly: port) else {
            throw .connect(address: address, reason: "no such port")
        }
        unsafe try self.init(address: address, timeout: timeout) { unsafe redisConnectWithTimeout(host, port, $0) }
    }

    /// Connects to a Unix socket.
    public init(path: String, timeout: Duration) throws(BlockingConnectionError) {
        unsafe try self.init(address: path, timeout: timeout) { unsafe redisConnectUnixWithTimeout(path, $0) }
    }

    private init(
        address: String, timeout: Duration, connect: (timeval) -> UnsafeMutablePointer<redisContext>?
    ) throws(BlockingConnectionError) {
        precondition(timeout > .zero, "a wait needs a deadline")
        let interval = timeval(timeout)
        guard let context = unsafe connect(interval) else {
            throw .connect(address: address, reason: "out of memory")
        }
        guard unsafe context.pointee.err == 0, unsafe redisSetTimeout(context, interval) == REDIS_OK else {
            let reason = unsafe Self.reason(of: context)
            unsafe redisFree(context)
            throw .connect(address: address, reason: reason)
        }
        unsafe self.context = context
        self.address = address
    }

    deinit {
        unsafe redisFree(context)
    }

    /// Sets the longest that each further read or write may take: what is left of a deadline over several commands.
    public mutating func limit(to timeout: Duration) throws(BlockingConnectionError) {
        precondition(timeout > .zero, "a wait needs a deadline")
        guard unsafe redisSetTimeout(context, timeval(timeout)) == REDIS_OK else {
            throw .broken(address: address, command: "", reason: unsafe Self.reason(of: context))
        }
    }

    /// Sends one command and waits for its reply.
    ///
    /// After a throw the connection only throws: what arrives late must not answer the next command.
    /// - Parameter arguments: The command's name and its arguments, any bytes. Not empty.
    public mutating func command(_ arguments: [[UInt8]]) throws(BlockingConnectionError) -> BlockingReply {
        precondition(!arguments.isEmpty, "a command has a name")
        let name = String(decoding: arguments[0], as: UTF8.self)
        guard isUsable else {
            throw .broken(address: address, command: name, reason: "an earlier command failed")
        }
        errno = 0
        guard let raw = unsafe Self.send(arguments, over: context) else {
            let isLate = errno == EAGAIN
            isUsable = false
            if unsafe context.pointee.err == REDIS_ERR_IO, isLate {
                throw .timedOut(address: address, command: name)
            }
            throw .broken(address: address, command: name, reason: unsafe Self.reason(of: context))
        }
        defer { unsafe freeReplyObject(raw) }
        return unsafe BlockingReply(raw.assumingMemoryBound(to: redisReply.self).pointee)
    }

    /// Sends one command of UTF-8 arguments and waits for its reply.
    public mutating func command(_ arguments: String...) throws(BlockingConnectionError) -> BlockingReply {
        try command(arguments.map { Array($0.utf8) })
    }

    /// Sends a command whose answer is a stream and no reply (SYNC), and gives away the socket: what comes is read from it, and
    /// the connection only throws from now on. It is closed with the connection.
    public mutating func stream(_ arguments: [[UInt8]]) throws(BlockingConnectionError) -> CInt {
        precondition(!arguments.isEmpty, "a command has a name")
        let name = String(decoding: arguments[0], as: UTF8.self)
        guard isUsable else {
            throw .broken(address: address, command: name, reason: "an earlier command failed")
        }
        isUsable = false
        var isSent: CInt = 0
        var status = unsafe Self.withVector(arguments) { pointers, lengths in
            unsafe redisAppendCommandArgv(context, CInt(arguments.count), pointers, lengths)
        }
        while status == REDIS_OK, isSent == 0 { status = unsafe redisBufferWrite(context, &isSent) }
        guard status == REDIS_OK else {
            throw .broken(address: address, command: name, reason: unsafe Self.reason(of: context))
        }
        return unsafe context.pointee.fd
    }

    /// The address of this end of the connection: where the server reaches this machine, if nothing in between translates. Nil on a
    /// Unix socket.
    public var localHost: String? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard unsafe getsockname(context.pointee.fd, address, &length) == 0,
                    unsafe address.pointee.sa_family != sa_family_t(AF_UNIX)
                else { return nil }
                return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
                    let status = unsafe getnameinfo(
                        address, length, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
                    return status == 0 ? unsafe String(cString: buffer.baseAddress!) : nil
                }
            }
        }
    }

    private static func send(
        _ arguments: [[UInt8]], over context: UnsafeMutablePointer<redisContext>
    ) -> UnsafeMutableRawPointer? {
        unsafe withVector(arguments) { pointers, lengths in
            unsafe redisCommandArgv(context, CInt(arguments.count), pointers, lengths)
        }
    }

    /// The arguments as hiredis takes them.
    private static func withVector<Result>(
        _ arguments: [[UInt8]], _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>, [Int]) -> Result
    ) -> Result {
        let lengths = arguments.map(\.count)
        // One byte more, so that there is an address even when every argument is empty.
        var bytes: [CChar] = []
        bytes.reserveCapacity(lengths.reduce(1, +))
        for argument in arguments {
            bytes.append(contentsOf: argument.lazy.map(CChar.init(bitPattern:)))
        }
        bytes.append(0)
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            var next = buffer.baseAddress
            var pointers: [UnsafePointer<CChar>?] = unsafe []
            for length in lengths {
                unsafe pointers.append(next)
                unsafe next = unsafe next?.advanced(by: length)
            }
            return unsafe body(&pointers, lengths)
        }
    }

    private static func reason(of context: UnsafeMutablePointer<redisContext>) -> String {
        unsafe withUnsafeBytes(of: &context.pointee.errstr) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

extension BlockingReply {
    /// Copies a reply tree; hiredis bounds its depth.
    fileprivate init(_ reply: redisReply) {
        switch unsafe reply.type {
        case REDIS_REPLY_STATUS: self = .simple(unsafe reply.bytes)
        case REDIS_REPLY_ERROR: self = .error(unsafe reply.bytes)
        case REDIS_REPLY_STRING: self = .bulk(unsafe reply.bytes)
        case REDIS_REPLY_INTEGER: self = .integer(unsafe reply.integer)
        case REDIS_REPLY_ARRAY:
            let elements = unsafe UnsafeBufferPointer(start: reply.element, count: reply.elements)
            self = .array(unsafe elements.compactMap { unsafe $0.map { unsafe BlockingReply($0.pointee) } })
        default: self = .null
        }
    }
}

extension redisReply {
    fileprivate var bytes: [UInt8] {
        unsafe str.map { unsafe Array(UnsafeRawBufferPointer(start: $0, count: len)) } ?? []
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        // At least a microsecond: zero means "no timeout" to the kernel.
        let microseconds = attoseconds / 1_000_000_000_000
        self.init(tv_sec: Int(seconds), tv_usec: seconds == 0 ? max(1, Int(microseconds)) : Int(microseconds))
    }
}
