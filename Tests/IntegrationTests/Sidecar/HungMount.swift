import Glibc
import Synchronization
import Testing

/// A folder in which every open or stat hangs: a FUSE file system whose server never answers, like a
/// network disk that is gone.
final class HungMount: Sendable {
    let path: String
    private let descriptor: CInt
    private let isOver = Atomic<Bool>(false)

    /// Whether this process may mount one.
    static var isPossible: Bool { geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0 }

    init(at path: String) throws {
        self.path = path
        mkdir(path, 0o755)
        descriptor = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        let options = "fd=\(descriptor),rootmode=40000,user_id=0,group_id=0,allow_other"
        try #require(mount("hung", path, "fuse", UInt(MS_NOSUID | MS_NODEV), options) == 0, "errno \(errno)")
    }

    /// Waiting callers return with an error.
    func end() {
        guard !isOver.exchange(true, ordering: .relaxed) else { return }
        close(descriptor)
        umount2(path, CInt(MNT_DETACH))
    }
}

/// What may stand where a file should be.
struct OddFile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable (_ path: String) throws -> Void

    static let all: [OddFile] = [
        OddFile(testDescription: "a FIFO") { try #require(mkfifo($0, 0o600) == 0) },
        OddFile(testDescription: "a folder") { try #require(mkdir($0, 0o755) == 0) },
        OddFile(testDescription: "a link to itself") { try #require(symlink($0, $0) == 0) },
        OddFile(testDescription: "a device without an end") { try #require(symlink("/dev/zero", $0) == 0) },
        OddFile(testDescription: "a file of 300 MB") { path in
            let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            defer { close(descriptor) }
            try #require(ftruncate(descriptor, 300_000_000) == 0)
        },
        OddFile(testDescription: "a socket") { path in
            let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let isBound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
            }
            try #require(isBound)
        },
    ]
}
