import Glibc
import ReplicaInit
import Replication

/// Listens where the master will, and answers whoever comes by ``ReplicaHandshake``, while the data is on its way.
struct StandIn: ~Copyable {
    private struct Client {
        var descriptor: Int32
        var handshake: ReplicaHandshake
    }

    /// Who is let in, from the next connection on.
    var place: ReplicaHandshake.Place
    /// Somebody asked for everything anew, since it does not know where it is.
    private(set) var hasMetOneWithoutPlace = false

    private var listeners: [Int32] = []
    private var clients: [Client] = []

    private static let maximumClients = 64

    /// Takes the address, and loopback beside it, where the probes ask; nothing else.
    init(at address: MasterAddress, continuingAt place: ReplicaHandshake.Place) throws(SystemError) {
        self.place = place
        listeners = [try Self.listen(address)]
        let loopback = MasterAddress(host: address.host.contains(":") ? "::1" : "127.0.0.1", port: address.port)
        if loopback != address, let other = try? Self.listen(loopback) { listeners.append(other) }
    }

    deinit {
        for descriptor in listeners + clients.map(\.descriptor) { System.close(descriptor) }
    }

    /// Waits until somebody says something, and answers.
    ///
    /// - Parameter stream: another descriptor that is waited for.
    /// - Returns: whether that one has something to read.
    mutating func turn(milliseconds: Int32, alsoFor stream: Int32? = nil) throws(ReseedFailure) -> Bool {
        var entries = (listeners + clients.map(\.descriptor) + (stream.map { [$0] } ?? [])).map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        let ready = unsafe poll(&entries, nfds_t(entries.count), milliseconds)
        // A signal is looked at by whoever called.
        if ready == -1, errno == EINTR { return false }
        guard ready != -1 else { throw ReseedFailure(SystemError(action: "wait for", path: "replicas", code: errno)) }
        let isReady = entries.map { $0.revents != 0 }
        for index in clients.indices.reversed() where isReady[listeners.count + index] { serve(index) }
        for (index, listener) in listeners.enumerated() where isReady[index] { accept(from: listener) }
        return stream != nil && isReady[isReady.count - 1]
    }

    private mutating func accept(from listener: Int32) {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor != -1 else { return }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        // Whoever came first and is still not the one that is waited for makes room.
        if clients.count >= Self.maximumClients,
            let idle = clients.firstIndex(where: { $0.handshake.outcome != .continued })
        {
            System.close(clients[idle].descriptor)
            clients.remove(at: idle)
        }
        clients.append(Client(descriptor: descriptor, handshake: ReplicaHandshake(continuingAt: place)))
    }

    private mutating func serve(_ index: Int) {
        let descriptor = clients[index].descriptor
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
        if count == -1, errno == EAGAIN || errno == EINTR { return }
        if count > 0 {
            clients[index].handshake.place = place
            let answer = clients[index].handshake.take(Array(buffer.prefix(count)))
            let outcome = clients[index].handshake.outcome
            if outcome == .knowsNoPlace { hasMetOneWithoutPlace = true }
            // A few bytes into an empty socket: who does not take them is of no use.
            let sent = unsafe send(descriptor, answer, answer.count, Int32(MSG_NOSIGNAL))
            if sent == answer.count, outcome != .malformed { return }
        }
        System.close(descriptor)
        clients.remove(at: index)
    }

    private static func listen(_ address: MasterAddress) throws(SystemError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(address.host, "\(address.port)", &hints, &list)
        guard status == 0, let entry = unsafe list?.pointee else {
            throw SystemError(action: "listen on", path: "\(address)", code: EINVAL)
        }
        defer { unsafe freeaddrinfo(list) }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = try System.call("open a socket for", "\(address)") { unsafe socket(entry.ai_family, type, 0) }
        do throws(SystemError) {
            // redis-server binds the same address a moment after we have left it.
            var on: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            try System.call("listen on", "\(address)") {
                unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
            }
            try System.call("listen on", "\(address)") { unsafe bind(descriptor, entry.ai_addr, entry.ai_addrlen) }
            try System.call("listen on", "\(address)") { Glibc.listen(descriptor, 64) }
        } catch {
            System.close(descriptor)
            throw error
        }
        return descriptor
    }
}
