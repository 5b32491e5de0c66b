internal import Synchronization
internal import SystemFiles

/// A token in a file that Kubernetes replaces while the pod runs.
final class ServiceAccountToken: Sendable {
    private let path: String
    private let state = Mutex(State())

    private struct State {
        var stamp: FileStamp?
        var token: String?
    }

    init(path: String) { self.path = path }

    /// The file is read again for the next question, also where it looks unchanged.
    func forget() { state.withLock { $0 = State() } }

    func current() throws(LeaseStoreError) -> String {
        try state.withLock { state throws(LeaseStoreError) in
            let stamp = FileStamp(of: path)
            if let token = state.token, stamp == state.stamp { return token }
            let bytes: [UInt8]
            do {
                bytes = try SmallFile.read(path, upTo: 64 << 10)
            } catch {
                throw .unavailable(
                    "\(error): it is the pod's token; the pod needs automountServiceAccountToken: true")
            }
            let token = String(decoding: bytes, as: UTF8.self).trimmingEnds()
            guard !token.isEmpty, token.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
                throw .unavailable("the file '\(path)' holds no token: it is empty, or not one line of ASCII")
            }
            state = State(stamp: stamp, token: token)
            return token
        }
    }
}

extension String {
    fileprivate func trimmingEnds() -> String {
        let bytes = Array(utf8)
        let isSpace = { (byte: UInt8) in byte == 0x20 || 0x09...0x0D ~= byte }
        let start = bytes.firstIndex { !isSpace($0) } ?? bytes.endIndex
        let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }
}
