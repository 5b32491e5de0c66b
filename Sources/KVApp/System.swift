import CLinux
import Glibc
import KeyValueService
import NIOCore
import SystemFiles

/// What the operating system is asked for.
enum System {
    /// The kernel's host name, a pod's name in Kubernetes.
    static var hostName: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress, gethostname(start, 255) == 0 else { return "localhost" }
            return String(cString: start)
        }
    }

    /// The memory limit for all clients, unless one is set.
    static let memoryBudgetMiB = ContainerMemory.defaultBudgetMiB(
        limitBytes: ContainerMemory.limitBytes { path in
            (try? SmallFile.read(path)).map { String(decoding: $0, as: UTF8.self) }
        })

    /// Has what large bodies and values took go back to the system as soon as they are gone, instead of staying in the heap
    /// beside the memory budget. Before any other thread starts.
    static func returnLargeBlocks() { linux_map_large_blocks(1 << 20) }

    /// The first address that is not loopback, IPv4 first; 127.0.0.1 where there is none.
    static var firstAddress: String {
        let addresses = ((try? NIOCore.System.enumerateDevices()) ?? []).compactMap(\.address)
        let outside = addresses.filter { !$0.isLoopback }
        let first = outside.first { $0.protocol == .inet } ?? outside.first { $0.protocol == .inet6 }
        return first?.ipAddress ?? "127.0.0.1"
    }
}

extension SocketAddress {
    fileprivate var isLoopback: Bool {
        guard let text = ipAddress else { return true }
        return text.hasPrefix("127.") || text == "::1" || text.hasPrefix("fe80:")
    }
}
