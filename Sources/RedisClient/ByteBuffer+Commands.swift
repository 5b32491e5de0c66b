public import NIOCore

/// Commands in RESP, written where they will be sent from.
extension ByteBuffer {
    public mutating func writeGET(key: Span<UInt8>) {
        writeWithOutputRawSpan(minimumWritableBytes: 48 + key.count) { output in
            output.append("*2\r\n$3\r\nGET\r\n")
            output.append(bulk: key)
        }
    }

    public mutating func writeSET(key: Span<UInt8>, value: Span<UInt8>) {
        writeWithOutputRawSpan(minimumWritableBytes: 96 + key.count + value.count) { output in
            output.append("*3\r\n$3\r\nSET\r\n")
            output.append(bulk: key)
            output.append(bulk: value)
        }
    }

    /// - Parameters:
    ///   - timeToLive: in milliseconds, 1 or more; `nil` for a key that stays.
    ///   - ifAbsent: whether a key that exists is left as it is; the reply is null then.
    public mutating func writeSET(key: Span<UInt8>, value: Span<UInt8>, timeToLive: Int64?, ifAbsent: Bool) {
        writeWithOutputRawSpan(minimumWritableBytes: 160 + key.count + value.count) { output in
            output.append("*")
            output.append(decimal: 3 + (timeToLive == nil ? 0 : 2) + (ifAbsent ? 1 : 0))
            output.append("\r\n$3\r\nSET\r\n")
            output.append(bulk: key)
            output.append(bulk: value)
            if let timeToLive {
                output.append("$2\r\nPX\r\n")
                output.append(bulk: "\(timeToLive)".utf8.span)
            }
            if ifAbsent { output.append("$2\r\nNX\r\n") }
        }
    }

    public mutating func writeDEL(key: Span<UInt8>) {
        writeWithOutputRawSpan(minimumWritableBytes: 48 + key.count) { output in
            output.append("*2\r\n$3\r\nDEL\r\n")
            output.append(bulk: key)
        }
    }

    /// As DEL; the value's memory is given back on another thread (from 4.0).
    public mutating func writeUNLINK(key: Span<UInt8>) {
        writeWithOutputRawSpan(minimumWritableBytes: 48 + key.count) { output in
            output.append("*2\r\n$6\r\nUNLINK\r\n")
            output.append(bulk: key)
        }
    }

    public mutating func writeEXISTS(key: Span<UInt8>) {
        writeWithOutputRawSpan(minimumWritableBytes: 48 + key.count) { output in
            output.append("*2\r\n$6\r\nEXISTS\r\n")
            output.append(bulk: key)
        }
    }

    public mutating func writePING() { writeStaticString("*1\r\n$4\r\nPING\r\n") }

    /// Waits for the writes of the connection that it is sent on.
    public mutating func writeWAIT(replicas: Int, milliseconds: Int64) {
        writeStaticString("*3\r\n$4\r\nWAIT\r\n")
        writeBulk("\(replicas)".utf8.span)
        writeBulk("\(milliseconds)".utf8.span)
    }

    public mutating func writePTTL(key: Span<UInt8>) {
        writeWithOutputRawSpan(minimumWritableBytes: 48 + key.count) { output in
            output.append("*2\r\n$4\r\nPTTL\r\n")
            output.append(bulk: key)
        }
    }

    /// - Parameters:
    ///   - cursor: 0 for the first page.
    ///   - pattern: as in MATCH; empty for all keys.
    ///   - count: how many keys are looked at, about: neither a bound nor a promise.
    public mutating func writeSCAN(cursor: UInt64, pattern: Span<UInt8>, count: Int) {
        writeStaticString(pattern.isEmpty ? "*4\r\n$4\r\nSCAN\r\n" : "*6\r\n$4\r\nSCAN\r\n")
        writeBulk("\(cursor)".utf8.span)
        if !pattern.isEmpty {
            writeStaticString("$5\r\nMATCH\r\n")
            writeBulk(pattern)
        }
        writeStaticString("$5\r\nCOUNT\r\n")
        writeBulk("\(count)".utf8.span)
    }

    public mutating func writeINFOReplication() {
        writeStaticString("*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n")
    }

    mutating func writeINFOPersistence() {
        writeStaticString("*2\r\n$4\r\nINFO\r\n$11\r\npersistence\r\n")
    }

    mutating func writeINFOServer() {
        writeStaticString("*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n")
    }

    mutating func writeAUTH(_ credentials: RedisCredentials) {
        if let user = credentials.user {
            writeStaticString("*3\r\n$4\r\nAUTH\r\n")
            writeBulk(user.utf8.span)
        } else {
            writeStaticString("*2\r\n$4\r\nAUTH\r\n")
        }
        writeBulk(credentials.password.span)
    }

    mutating func writeSELECT(database: Int) {
        writeStaticString("*2\r\n$6\r\nSELECT\r\n")
        writeBulk("\(database)".utf8.span)
    }

    /// `$<length>\r\n<bytes>\r\n`
    mutating func writeBulk(_ bytes: Span<UInt8>) {
        writeWithOutputRawSpan(minimumWritableBytes: 32 + bytes.count) { $0.append(bulk: bytes) }
    }
}

extension OutputRawSpan {
    /// `$<length>\r\n<bytes>\r\n`, at most 24 bytes more than the bytes.
    fileprivate mutating func append(bulk bytes: Span<UInt8>) {
        append(UInt8(ascii: "$"))
        append(decimal: bytes.count)
        append("\r\n")
        append(copying: bytes)
        append("\r\n")
    }
}

extension ByteBuffer {
    /// Appends the bytes.
    public mutating func writeBytes(_ bytes: Span<UInt8>) {
        writeBytes(unsafe bytes.bytes)
    }
}

/// What a server asks for before it serves.
public struct RedisCredentials: Sendable, Equatable, CustomStringConvertible {
    /// The ACL user; `nil` is the default user, as before 6.0.
    public var user: String?
    /// Any bytes.
    public var password: [UInt8]

    public init(user: String?, password: [UInt8]) {
        self.user = user
        self.password = password
    }

    /// Never the password.
    public var description: String { "credentials of \(user ?? "the default user")" }
}
