internal import CHiredis
internal import Glibc

/// A connection to one Redis server that blocks the calling thread; owns its redisContext and frees it at the end of its life.
///
/// For probes, tests and tools; the event loops use the reply reader. Keep it off the cooperative pool.
///
/// Writing to a connection that the server has closed raises SIGPIPE, which hiredis does not suppress: a program that uses
/// this type ignores SIGPIPE, and then sees ``BlockingConnectionError/broken(address:command:reason:)``.
///
/// A reply never takes more memory than ``maximumReplyBytes``.
@safe
public struct BlockingConnection: ~Copyable {
    private let context: UnsafeMutablePointer<redisContext>
    private let reader: BoundedReader
    /// How many elements all arrays of a reply may have together; 0 where no command is answered with one.
    public var maximumReplyElements = ExpectedReply.anything.elements
    /// What a reply may take, in bytes.
    public var maximumReplyBytes = 512 << 20
    private let address: String
    private var isUsable = true
    private var timeout: Duration
    /// What commands go through; nil: the socket itself.
    public private(set) var transport: (any ConnectionTransport)?

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
        unsafe reader = BoundedReader(of: context)
        self.address = address
        self.timeout = timeout
    }

    /// Has everything from now on go through a transport.
    ///
    /// - Parameter make: is given the socket, which stays this connection's own.
    public mutating func secure<Failure>(
        by make: (CInt) throws(Failure) -> any ConnectionTransport
    ) throws(Failure) {
        transport = try make(unsafe context.pointee.fd)
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
        self.timeout = timeout
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
        do throws(BlockingConnectionError) {
            try send(arguments, name)
            return try receive(name)
        } catch {
            isUsable = false
            throw error
        }
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
        try send(arguments, name)
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

    private func send(_ arguments: [[UInt8]], _ name: String) throws(BlockingConnectionError) {
        if let transport {
            do throws(ConnectionTransportError) {
                return try transport.write(Self.encoded(arguments), within: timeout)
            } catch {
                throw failure(error, of: name)
            }
        }
        errno = 0
        var isSent: CInt = 0
        var status = unsafe Self.withVector(arguments) { pointers, lengths in
            unsafe redisAppendCommandArgv(context, CInt(arguments.count), pointers, lengths)
        }
        while status == REDIS_OK, isSent == 0 { status = unsafe redisBufferWrite(context, &isSent) }
        guard status == REDIS_OK else { throw failure(of: name) }
    }

    private func receive(_ name: String) throws(BlockingConnectionError) -> BlockingReply {
        let expected = ExpectedReply(to: name, elements: maximumReplyElements, bytes: maximumReplyBytes)
        while true {
            do throws(ReplyReaderError) {
                reader.expect(expected, maximumBytes: maximumReplyBytes)
                if let reply = try reader.next() { return BlockingReply(reply.value) }
                try reader.checkPart()
            } catch {
                switch error {
                case .malformed(let reason): throw .broken(address: address, command: name, reason: reason)
                case .refused, .replyTooLong, .outOfMemory: throw .refused(address: address, error)
                }
            }
            try readMore(name)
        }
    }

    private func readMore(_ name: String) throws(BlockingConnectionError) {
        guard let transport else {
            errno = 0
            guard unsafe redisBufferRead(context) == REDIS_OK else { throw failure(of: name) }
            return
        }
        do throws(ConnectionTransportError) {
            let bytes = try transport.read(upTo: Self.readBytes, within: timeout)
            guard !bytes.isEmpty else { throw .broken(reason: "Server closed the connection") }
            do throws(ReplyReaderError) {
                try unsafe bytes.span.bytes.withUnsafeBytes { (bytes) throws(ReplyReaderError) in
                    unsafe try reader.feed(bytes)
                }
            } catch {
                throw .broken(reason: "out of memory")
            }
        } catch {
            throw failure(error, of: name)
        }
    }

    /// What the context says, of a call that has just failed.
    private func failure(of name: String) -> BlockingConnectionError {
        if errno == EAGAIN, unsafe context.pointee.err == REDIS_ERR_IO {
            return .timedOut(address: address, command: name)
        }
        return .broken(address: address, command: name, reason: unsafe Self.reason(of: context))
    }

    private func failure(_ error: ConnectionTransportError, of name: String) -> BlockingConnectionError {
        switch error {
        case .timedOut: .timedOut(address: address, command: name)
        case .broken(let reason): .broken(address: address, command: name, reason: reason)
        }
    }

    /// hiredis moves what is left at each reply: little at once.
    private static let readBytes = 16 << 10

    /// A command as it goes over the wire: an array of bulk strings.
    private static func encoded(_ arguments: [[UInt8]]) -> [UInt8] {
        arguments.reduce(into: Array("*\(arguments.count)\r\n".utf8)) { bytes, argument in
            bytes += Array("$\(argument.count)\r\n".utf8)
            bytes += argument
            bytes += [0x0D, 0x0A]
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
    /// A copy that stands on its own.
    fileprivate init(_ view: ReplyView) {
        self =
            switch view {
            case .simple(let text): .simple(Array(text))
            case .error(let text): .error(Array(text))
            case .bulk(let text): .bulk(Array(text))
            case .integer(let integer): .integer(integer)
            case .null: .null
            case .array(let elements): .array(elements.map(BlockingReply.init))
            }
    }

    private init(_ value: ReplyValue) {
        self =
            switch value {
            case .simple(let text): .simple(text)
            case .error(let text): .error(text)
            case .bulk(let text): .bulk(text)
            case .integer(let integer): .integer(integer)
            case .null: .null
            case .array(let elements): .array(elements.map(BlockingReply.init))
            }
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
