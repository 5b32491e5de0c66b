import Glibc
import OpenSSL
import RedisCore
import ReplicaPlanning

/// Listens at the master's address, and answers all clients by ``ReplicaHandshake``, while the data is restored.
struct PlaceholderServer: ~Copyable {
    private struct Client {
        var descriptor: Int32
        var handshake: ReplicaHandshake
        var session: TLSSession?
        /// What TLS waits for before anything can be read.
        var shakesHands: TLSSession.Wait?
        let begin = Moment.now

        var events: Int16 { Int16(shakesHands == .writable ? POLLOUT : POLLIN) }
    }

    /// Who is let in, from the next connection on.
    var place: ReplicaHandshake.Place
    /// A replica asked for a full copy, since it does not know its position.
    private(set) var hasMetOneWithoutPlace = false

    /// Why the last one was sent away that could not speak TLS with us.
    private(set) var lastRefusal: String?

    private var listeners: [Int32] = []
    private var clients: [Client] = []
    private let tls: TLSContext?

    private static let maximumClients = 64
    private static let handshakeMilliseconds = 5000

    /// Takes the address, and loopback beside it, where the probes ask; nothing else.
    ///
    /// - Parameter tls: nil: in the clear.
    init(
        at address: MasterAddress, continuingAt place: ReplicaHandshake.Place, _ tls: TLSContext?
    ) throws(SystemError) {
        self.place = place
        self.tls = tls
        listeners = [try Self.listen(address)]
        let loopback = MasterAddress(host: address.host.contains(":") ? "::1" : "127.0.0.1", port: address.port)
        if loopback != address, let other = try? Self.listen(loopback) { listeners.append(other) }
    }

    deinit {
        for descriptor in listeners + clients.map(\.descriptor) { System.close(descriptor) }
    }

    /// Waits for requests, and answers them.
    ///
    /// - Parameter stream: another descriptor that is waited for.
    /// - Returns: whether that one has something to read.
    mutating func turn(milliseconds: Int32, alsoFor stream: Int32? = nil) throws(ReseedFailure) -> Bool {
        dropSlowHandshakes()
        var entries = listeners.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        entries += clients.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
        if let stream { entries.append(pollfd(fd: stream, events: Int16(POLLIN), revents: 0)) }
        let ready = unsafe poll(&entries, nfds_t(entries.count), milliseconds)
        // The caller handles the signal.
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
        // The oldest client that is not the sync source makes room.
        if clients.count >= Self.maximumClients,
            let idle = clients.firstIndex(where: { $0.handshake.outcome != .continued })
        {
            drop(idle)
        }
        var client = Client(descriptor: descriptor, handshake: ReplicaHandshake(continuingAt: place))
        if let tls {
            guard let session = try? TLSSession(tls, over: descriptor) else { return System.close(descriptor) }
            client.session = session
            client.shakesHands = .readable
        }
        clients.append(client)
    }

    private mutating func drop(_ index: Int) {
        System.close(clients[index].descriptor)
        clients.remove(at: index)
    }

    private mutating func dropSlowHandshakes() {
        for index in clients.indices.reversed()
        where clients[index].shakesHands != nil
            && clients[index].begin.elapsedMilliseconds > Self.handshakeMilliseconds
        {
            lastRefusal = "no TLS handshake within \(Self.handshakeMilliseconds / 1000) s"
            drop(index)
        }
    }

    private mutating func serve(_ index: Int) {
        guard let session = clients[index].session else { return servePlain(index) }
        do throws(TLSError) {
            if clients[index].shakesHands != nil {
                if case .waits(let wait) = try session.shakeHands() {
                    clients[index].shakesHands = wait
                    return
                }
                clients[index].shakesHands = nil
            }
            if try !serve(index, over: session) { drop(index) }
        } catch {
            lastRefusal = "\(error)"
            drop(index)
        }
    }

    /// Reads all that came, since the socket need not become readable for what TLS holds already.
    /// - Returns: whether it stays.
    private mutating func serve(_ index: Int, over session: TLSSession) throws(TLSError) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let transfer = try session.read(into: &buffer)
            guard case .bytes(let count) = transfer else { return transfer != .closed }
            guard let answer = answer(index, to: buffer.prefix(count)) else { return false }
            guard !answer.isEmpty else { continue }
            guard try session.write(answer[...]) == .bytes(answer.count) else { return false }
        }
    }

    private mutating func servePlain(_ index: Int) {
        let descriptor = clients[index].descriptor
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
        if count == -1, errno == EAGAIN || errno == EINTR { return }
        if count > 0, let answer = answer(index, to: buffer.prefix(count)) {
            // A few bytes into an empty socket: who does not take them is of no use.
            let sent = unsafe send(descriptor, answer, answer.count, Int32(MSG_NOSIGNAL))
            if sent == answer.count { return }
        }
        drop(index)
    }

    /// nil where that was no request.
    private mutating func answer(_ index: Int, to bytes: ArraySlice<UInt8>) -> [UInt8]? {
        clients[index].handshake.place = place
        let answer = clients[index].handshake.take(Array(bytes))
        let outcome = clients[index].handshake.outcome
        if outcome == .knowsNoPlace { hasMetOneWithoutPlace = true }
        return outcome == .malformed ? nil : answer
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
