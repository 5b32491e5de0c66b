internal import CLinux
internal import Glibc
public import SystemPackage

/// A network namespace that `ip netns` knows by name: to sockets, a separate machine.
///
/// Only root may go there (CAP_SYS_ADMIN).
public struct NetworkNamespace: Hashable, Sendable {
    public let name: String

    /// The name of a namespace that exists, or will when it is used.
    public init(_ name: String) { self.name = name }

    /// Runs a body that blocks on its own thread, whose sockets belong to the namespace.
    ///
    /// Files are the machine's, its `/etc/hosts` too: names are not looked up as a program in the namespace would.
    public func perform<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            onOwnThread {
                continuation.resume(
                    with: Result {
                        try enter()
                        return try body()
                    })
            }
        }
    }

    /// Connects from the namespace to an address in it or beyond.
    /// - Parameter timeout: The longest it may take.
    /// - Returns: A descriptor that does not block; the caller closes it.
    public func connect(to endpoint: Endpoint, timeout: Duration = .seconds(5)) async throws -> FileDescriptor {
        try await perform { FileDescriptor(rawValue: try LoopbackHTTP.Connection.open(to: endpoint, timeout: timeout)) }
    }

    /// The command that runs a program in the namespace, as root, with the files of `/etc/netns` over those of `/etc`
    /// (ip-netns(8)). The process stays the one that was started.
    public func command(
        _ program: FilePath, _ arguments: [String]
    ) throws(LocalTopologyError) -> (executable: FilePath, arguments: [String]) {
        (try Programs.installed("ip", package: "iproute2"), ["netns", "exec", name, program.string] + arguments)
    }

    /// Moves the calling thread into the namespace, for the rest of its life: sockets that it makes belong there.
    public func enter() throws(LocalTopologyError) {
        let descriptor = open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(attempt: "find the network namespace", subject: name, errno: errno) }
        defer { close(descriptor) }
        guard linux_enter_network_namespace(descriptor) == 0 else {
            throw .system(attempt: "enter the network namespace", subject: name, errno: errno)
        }
    }
}
