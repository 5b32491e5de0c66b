import Foundation
import LeaseStore
import LocalTopology
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// An API server over TLS whose answers a test chooses.
final class ScriptedAPIServer: APIServer {
    let leases = ScriptedLeases()
    let endpoint: Endpoint
    let certificates: Certificates
    /// The service account's files.
    let secret: MountedSecret
    private let given = GivenStores()
    private let loop: any EventLoop
    private let tls: NIOSSLContext
    private let state = Mutex(State())

    private struct State {
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isFrozen = false
        /// What is carried out at the thaw.
        var waiting: [@Sendable () -> Void] = []
    }

    private init() throws {
        certificates = try Certificates()
        try certificates.sign("apiserver", for: "IP:127.0.0.1,DNS:kubernetes.default.svc")
        endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        secret = try MountedSecret([
            "token": Array("token-1\n".utf8), "ca.crt": try Scratch.read(certificates.certificate("ca")),
        ])
        loop = MultiThreadedEventLoopGroup.singleton.next()
        tls = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(certificates.certificate("apiserver")).map {
                    .certificate($0)
                },
                privateKey: .privateKey(
                    NIOSSLPrivateKey(file: certificates.key("apiserver"), format: .pem))))
    }

    static func with(_ body: @Sendable (ScriptedAPIServer) async throws -> Void) async throws {
        let server = try ScriptedAPIServer()
        try await server.listen()
        let result: Result<Void, any Error>
        do {
            try await body(server)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await server.given.endAll()
        try await server.thaw()
        try await server.kill()
        try result.get()
    }

    func settings(_ lease: String) throws -> KubernetesSettings {
        try KubernetesSettings(
            server: "https://\(endpoint)", namespace: ScriptedLeases.namespace, name: lease,
            tokenFile: secret["token"], authoritiesFile: secret["ca.crt"])
    }

    func store(_ lease: String) async throws -> any LeaseStore { await store(try settings(lease)) }

    func store(
        _ settings: KubernetesSettings, trouble: @escaping @Sendable (LeaseStoreError) -> Void = { _ in }
    ) async -> any LeaseStore {
        await given.add(KubernetesLeaseStore(settings, eventLoop: given.loop, trouble: trouble))
    }

    func object(_ path: String) async throws -> String? { leases.object(path) }
    func all(_ kind: String) async throws -> String {
        leases.names(of: kind).compactMap { leases.object($0) }.joined(separator: "\n")
    }
    func replace(_ path: String, _ json: String) async throws { try leases.put(path, json) }

    func remove(_ lease: String) async throws {
        leases.remove(lease)
        tellWatches()
    }

    func putForeign(_ lease: String) async throws {
        try leases.put(lease, #"{"spec":{"holderIdentity":"scheduler_1","leaseTransitions":3}}"#)
        tellWatches()
    }

    func kill() async throws {
        let (listener, connections) = state.withLock { state in
            defer {
                state.listener = nil
                state.connections = [:]
            }
            return (state.listener, Array(state.connections.values))
        }
        try? await listener?.close()
        for connection in connections { try? await connection.close() }
    }

    func start() async throws {
        // Its rules are not read yet.
        leases.plan("any", ScriptedLeases.status(403, "Forbidden"), ScriptedLeases.status(403, "Forbidden"))
        try await listen()
    }

    func freeze() async throws { state.withLock { $0.isFrozen = true } }

    func thaw() async throws {
        let waiting = state.withLock { state in
            state.isFrozen = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for work in waiting { work() }
    }

    private func listen() async throws {
        let listener = try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                self.whenThawed { self.serve(channel) }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: endpoint.host, port: endpoint.port).get()
        state.withLock { $0.listener = listener }
    }

    /// A frozen server takes connections (the kernel does), and no byte of them.
    private func whenThawed(_ work: @escaping @Sendable () -> Void) {
        let isFrozen = state.withLock { state in
            if state.isFrozen { state.waiting.append(work) }
            return state.isFrozen
        }
        if !isFrozen { work() }
    }

    private func serve(_ channel: any Channel) {
        state.withLock { $0.connections[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(channel)) }
        }
        channel.eventLoop.execute {
            let pipeline = channel.pipeline.syncOperations
            try? pipeline.addHandler(NIOSSLServerHandler(context: self.tls))
            try? pipeline.configureHTTPServerPipeline()
            try? pipeline.addHandler(
                Handler { question, channel in
                    self.whenThawed {
                        channel.eventLoop.execute { self.answer(question, on: channel) }
                    }
                })
        }
    }

    private func answer(_ question: ScriptedLeases.Question, on channel: any Channel) {
        switch leases.answer(question) {
        case .whole(let status, let headers, let body):
            send(channel, status, headers + [("Content-Length", "\(body.utf8.count)")], body, isWhole: true)
        case .watch(let lines):
            let name = question.query["fieldSelector"]?.split(separator: "=").last.map(String.init) ?? ""
            send(channel, 200, [("Transfer-Encoding", "chunked")], lines.map { $0 + "\n" }.joined(), isWhole: false)
            follow(name, after: leases.version, on: channel)
        case .silence: break
        case .half: send(channel, 200, [("Content-Length", "100")], "{\"kind\":", isWhole: false)
        case .hangUp: channel.close(promise: nil)
        }
        if ["POST", "PUT"].contains(question.method) { tellWatches() }
    }

    private struct Watch: Sendable {
        var channel: any Channel
        var name: String
        var version: Int
    }

    private let watches = Mutex<[Watch]>([])

    private func follow(_ name: String, after version: Int, on channel: any Channel) {
        watches.withLock { watches in
            watches.removeAll { !$0.channel.isActive }
            watches.append(Watch(channel: channel, name: name, version: version))
        }
        tellWatches()
    }

    /// Writes to each watch what has changed since it was told last, and where it is by now.
    private func tellWatches() {
        let due = watches.withLock { watches in
            watches.indices.compactMap { index -> (any Channel, String)? in
                let events = leases.events(of: watches[index].name, after: watches[index].version)
                guard let last = events.last else { return nil }
                watches[index].version = last.version
                let bookmark =
                    #"{"type":"BOOKMARK","object":{"kind":"Lease","metadata":{"resourceVersion":"\#(last.version)"}}}"#
                return (watches[index].channel, (events.map(\.line) + [bookmark]).joined(separator: "\n") + "\n")
            }
        }
        for (channel, text) in due {
            whenThawed {
                channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: text))), promise: nil)
            }
        }
    }

    private func send(
        _ channel: any Channel, _ status: Int, _ headers: [(String, String)], _ body: String, isWhole: Bool
    ) {
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: status),
            headers: HTTPHeaders(headers + [("Content-Type", "application/json")]))
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil)
        if isWhole { channel.write(HTTPServerResponsePart.end(nil), promise: nil) }
        channel.flush()
    }

    /// Collects one question after the other.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        private var question: ScriptedLeases.Question?
        private let asked: (ScriptedLeases.Question, any Channel) -> Void

        init(asked: @escaping (ScriptedLeases.Question, any Channel) -> Void) { self.asked = asked }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                let parts = head.uri.split(separator: "?", maxSplits: 1).map(String.init)
                let pairs = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
                    let halves = pair.split(separator: "=", maxSplits: 1).map(String.init)
                    return (halves[0], halves.count > 1 ? halves[1].removingPercentEncoding ?? "" : "")
                }
                question = ScriptedLeases.Question(
                    method: head.method.rawValue, path: parts[0], query: Dictionary(pairs) { $1 },
                    authorization: head.headers.first(name: "Authorization"), body: Data())
            case .body(let buffer): question?.body.append(contentsOf: buffer.readableBytesView)
            case .end: if let question { asked(question, context.channel) }
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
