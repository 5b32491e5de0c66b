import Glibc
public import ReplicaPlanning

/// The Unix socket on which the sidecar takes confirmations: its own user and root alone can open it.
///
/// A peer's address does not identify it: behind a service mesh's proxy every client comes from loopback.
public enum ConfirmationSocket {
    /// Why there is none, or no server answers there.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// The status and the body of an answer.
    public struct Answer: Equatable, Sendable {
        public let status: Int
        public let body: String
    }

    /// How long the sidecar may take for an answer.
    private static let patienceSeconds = 10
    private static let maximumAnswerBytes = 1 << 20

    /// A socket beside the record, in the folder that the containers of a pod share.
    public static func defaultPath(_ environment: Environment, name: String = "sidecar.sock") -> String {
        let record = String(decoding: MasterRecordFile.path(environment), as: UTF8.self)
        guard let slash = record.lastIndex(of: "/") else { return name }
        return record[...slash] + name
    }

    /// Makes the socket, in place of one that an earlier life has left.
    ///
    /// - Returns: its descriptor, bound and not listening.
    static func bind(_ path: String, settingName: String) throws(Failure) -> CInt {
        if let other = try? connect(path) {
            close(other)
            throw Failure(description: "another process listens on the socket '\(path)'; set \(settingName)")
        }
        var status = stat()
        if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unsafe unlink(path) }
        let descriptor = try open(path)
        // A user who can write to the file can connect, and only once it is listened on.
        guard unsafe withAddress(path, { unsafe Glibc.bind(descriptor, $0, $1) }) == 0, unsafe chmod(path, 0o600) == 0
        else {
            let reason = SystemText.ofErrno
            close(descriptor)
            throw Failure(description: "cannot make the socket '\(path)': \(reason); set \(settingName)")
        }
        return descriptor
    }

    /// Confirms what the sidecar holds back, and waits for its answer.
    public static func confirm(_ path: String) throws(Failure) -> Answer {
        let descriptor: CInt
        do throws(Failure) {
            descriptor = try connect(path)
        } catch {
            throw Failure(
                description: """
                    no sidecar answers on the socket '\(path)' (\(error)); run this where the sidecar runs, as its user, \
                    with its SIDECAR_SOCKET and REDIS_MASTER_RECORD_FILE
                    """)
        }
        return try ask(descriptor, "POST /v1/confirm", path, patienceSeconds: patienceSeconds)
    }

    /// Asks what answers on a socket, and waits for it.
    ///
    /// - Parameters:
    ///   - request: `GET /status`.
    ///   - missing: why nothing may answer there, and the cure.
    package static func ask(
        _ request: String, onSocket path: String, patienceSeconds: Int, missing: String
    ) throws(Failure) -> Answer {
        let descriptor: CInt
        do throws(Failure) {
            descriptor = try connect(path)
        } catch {
            throw Failure(description: "nothing answers on the socket '\(path)' (\(error)); \(missing)")
        }
        return try ask(descriptor, request, path, patienceSeconds: patienceSeconds)
    }

    private static func ask(
        _ descriptor: CInt, _ request: String, _ path: String, patienceSeconds: Int
    ) throws(Failure) -> Answer {
        defer { close(descriptor) }
        var patience = timeval(tv_sec: patienceSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { unsafe setsockopt(descriptor, SOL_SOCKET, option, &patience, size) }
        let bytes = Array("\(request) HTTP/1.0\r\nContent-Length: 0\r\n\r\n".utf8)
        let sent = unsafe bytes.withUnsafeBytes { buffer in
            unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == bytes.count, let answer = Answer(try readAll(from: descriptor, path)) else {
            throw Failure(description: "the socket '\(path)' gave no answer that a sidecar gives")
        }
        return answer
    }

    private static func readAll(from descriptor: CInt, _ path: String) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0, bytes.count <= maximumAnswerBytes else {
                throw Failure(description: "the socket '\(path)' gave no whole answer: \(SystemText.ofErrno)")
            }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    private static func connect(_ path: String) throws(Failure) -> CInt {
        let descriptor = try open(path)
        guard unsafe withAddress(path, { unsafe Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let reason = SystemText.ofErrno
            close(descriptor)
            throw Failure(description: reason)
        }
        return descriptor
    }

    private static func open(_ path: String) throws(Failure) -> CInt {
        let limit = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        guard path.utf8.count < limit else {
            throw Failure(
                description: "the path '\(path)' is longer than the \(limit - 1) bytes that a socket's may have")
        }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "cannot open a socket: \(SystemText.ofErrno)") }
        return descriptor
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

extension ConfirmationSocket.Answer {
    fileprivate init?(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let words = text[..<end.lowerBound].split(separator: " ", maxSplits: 2)
        guard words.count == 3, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
        self.init(status: status, body: String(text[end.upperBound...]))
    }
}
