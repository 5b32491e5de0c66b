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
    ///   - existence: where the key is not as is wanted it is left as it is; the reply is null then.
    public mutating func writeSET(
        key: Span<UInt8>, value: Span<UInt8>, timeToLive: Int64?, existence: WantedExistence = .any
    ) {
        writeWithOutputRawSpan(minimumWritableBytes: 160 + key.count + value.count) { output in
            output.append("*")
            output.append(decimal: 3 + (timeToLive == nil ? 0 : 2) + (existence == .any ? 0 : 1))
            output.append("\r\n$3\r\nSET\r\n")
            output.append(bulk: key)
            output.append(bulk: value)
            if let timeToLive {
                output.append("$2\r\nPX\r\n")
                output.append(bulk: "\(timeToLive)".utf8.span)
            }
            switch existence {
            case .any: break
            case .absent: output.append("$2\r\nNX\r\n")
            case .present: output.append("$2\r\nXX\r\n")
            }
        }
    }

    /// Has the next ``writeEXEC()`` of the connection do nothing if the key has been changed until then.
    public mutating func writeWATCH(key: Span<UInt8>) {
        writeStaticString("*2\r\n$5\r\nWATCH\r\n")
        writeBulk(key)
    }

    public mutating func writeMULTI() { writeStaticString("*1\r\n$5\r\nMULTI\r\n") }

    public mutating func writeEXEC() { writeStaticString("*1\r\n$4\r\nEXEC\r\n") }

    /// Ends a transaction and its WATCH.
    public mutating func writeDISCARD() { writeStaticString("*1\r\n$7\r\nDISCARD\r\n") }

    /// Runs a script of Lua on one key.
    public mutating func writeEVAL(_ script: RedisScript, key: Span<UInt8>, argumentCount: Int) {
        writeString("*\(4 + argumentCount)\r\n$4\r\nEVAL\r\n")
        writeBulk(script.text.utf8.span)
        writeStaticString("$1\r\n1\r\n")
        writeBulk(key)
    }

    /// As ``writeEVAL(_:key:argumentCount:)``, where the server knows the script; else the reply is the error NOSCRIPT.
    public mutating func writeEVALSHA(_ script: RedisScript, key: Span<UInt8>, argumentCount: Int) {
        writeString("*\(4 + argumentCount)\r\n$7\r\nEVALSHA\r\n")
        writeBulk(script.digest.utf8.span)
        writeStaticString("$1\r\n1\r\n")
        writeBulk(key)
    }

    /// One of the arguments that ``writeEVAL(_:key:argumentCount:)`` and ``writeEVALSHA(_:key:argumentCount:)`` announce.
    public mutating func writeArgument(_ bytes: Span<UInt8>) { writeBulk(bytes) }

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

    public mutating func writeSTRLEN(key: Span<UInt8>) {
        writeWithOutputRawSpan(minimumWritableBytes: 48 + key.count) { output in
            output.append("*2\r\n$6\r\nSTRLEN\r\n")
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

    mutating func writeINFOKeyspace() {
        writeStaticString("*2\r\n$4\r\nINFO\r\n$8\r\nkeyspace\r\n")
    }

    mutating func writeCONFIGGETMinimumReplicas() {
        writeStaticString("*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$21\r\nmin-replicas-to-write\r\n")
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

/// How a key has to be for a SET to be carried out.
public enum WantedExistence: Equatable, Sendable {
    case any, absent, present
}

/// A script of Lua that a server runs.
public struct RedisScript: Equatable, Sendable {
    public let text: String
    /// SHA-1 of the text, in 40 lowercase hexadecimal digits.
    public let digest: String

    public init(text: String, digest: String) {
        self.text = text
        self.digest = digest
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
