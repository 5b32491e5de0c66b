import HTTPWire
import Logging
import NIOCore
import RedisClient
import RedisCore
import Telemetry

/// The key-value API of one event loop: `/set`, `/get`, `/v1/keys/…`, `/`, `/livez`, `/readyz`, `/metrics`.
final class KeyValueService: HTTPService {
    let redis: RedisLoop
    let eventLoop: any EventLoop
    /// Those of all event loops, this one included.
    let loops: ServiceLoops
    /// That of the process.
    let feed: TopologyFeed
    /// The streams of topology events on this event loop.
    var streams: [ObjectIdentifier: TopologyEvents] = [:]
    let configuration: ServiceConfiguration
    private(set) lazy var metrics = MetricsMaker(self)
    private var waitingReads = 0
    /// How many of them are under way.
    var streamedWrites = 0
    let hostname: HostnameAnswer
    /// For the answers of `/set` and `/get`, escaped for JSON.
    let escapedPodIP: [UInt8]
    /// `nil` where every client is served.
    private let token: APIToken?
    /// `nil` where the field Host is not looked at.
    private let hosts: AllowedHosts?
    /// For a header field: without anything but visible ASCII characters.
    let fieldPodIP: [UInt8]

    /// Must be called on the event loop.
    init(
        http: HTTPLoop, redis: RedisLoop, eventLoop: any EventLoop, loops: ServiceLoops, feed: TopologyFeed,
        configuration: ServiceConfiguration, hosts: AllowedHosts? = nil, logger: Logger
    ) {
        self.redis = redis
        self.eventLoop = eventLoop
        self.loops = loops
        self.feed = feed
        self.configuration = configuration
        self.hostname = HostnameAnswer(hostName: configuration.hostName, logger: logger, level: .debug)
        self.escapedPodIP = [UInt8](jsonEscaping: configuration.podIP.utf8.span)
        self.token = configuration.apiToken.map(APIToken.init)
        self.hosts = hosts
        self.fieldPodIP = configuration.podIP.utf8.filter { 0x21...0x7E ~= $0 }
        super.init(http: http)
        http.accessLog = AccessLog(logger: logger, sample: configuration.accessLogSample)
        loops.add(self, eventLoop: eventLoop)
        feed.recorder.begin(self)
    }

    override func handler(for request: borrowing RequestView, on connection: HTTPConnection) -> RequestHandler {
        var route: Route?
        let handler = handler(for: request, on: connection, noting: &route)
        handler.route = route
        if request.head.isUnusual, let origin = request.value(of: .origin) {
            handler.origin = http.origins.place(of: origin)
        }
        return handler
    }

    private func handler(
        for request: borrowing RequestView, on connection: HTTPConnection, noting found: inout Route?
    ) -> RequestHandler {
        let target = RequestTarget(request.target)
        do throws(Problem) {
            if let hosts, !hosts.allow(request) { throw .hostNotAllowed }
            if request.head.isUnusual, let answer = try unusual(request, target, noting: &found) {
                return immediate(answer, request.head, connection)
            }
            if let token { try token.check(request, target.path) }
            let route = try Route(path: target.path, method: request.head.method)
            found = route
            if connection.place == .probe, !route.isProbe { throw .tooManyConnections }
            if request.head.method.isWrite {
                try Problem.check(write: request, allowing: http.origins, showsToken: token != nil)
            }
            if target.hasQuery { try route.checkParameters(of: target, request.head.method) }
            if !route.isProbe, http.budget.refuses(clientThatHolds: connection.chargedBytes) {
                http.budget.countRefusal()
                throw .overloaded
            }
            switch route {
            case .key:
                let key = try target.pathValue(after: Route.keysPath)
                guard !key.isEmpty else { throw .emptyKey }
                return try self.handler(for: key, target, request, connection)
            case .keys:
                try request.refusePreconditions()
                let list = try KeyListRequest(target)
                let demand = try ConsistencyDemand(request, target)
                return KeyListHandler(
                    request.head, connection: connection, request: list, demand: demand, service: self)
            case .batch:
                try request.refusePreconditions()
                return try write(.batch(BatchWrite(request, target)), request, connection)
            case .demo: return try demoRead(target, request, connection)
            case .get:
                try request.refusePreconditions()
                let key = try target.key
                guard key.span.isUTF8 else { throw .keyNotText }
                if let demand = try ConsistencyDemand(request, target) {
                    return ConsistentReadHandler(
                        .key(key, .original), demand, ReadPreconditions(), request.head, connection: connection,
                        service: self)
                }
                return ReadHandler(request.head, connection: connection, key: key, form: .original, service: self)
            case .set:
                try request.refusePreconditions()
                try ConsistencyDemand.refuse(in: request, target)
                return write(.original(OriginalWrite(podIP: escapedPodIP)), request, connection)
            case .root, .live, .openAPI, .ready, .metrics, .topology, .topologyEvents, .topologyHistory:
                try request.refusePreconditions()
                try ConsistencyDemand.refuse(in: request, target)
                return self.handler(for: route, request, connection)
            }
        } catch {
            return immediate(error.response, request.head, connection)
        }
    }

    /// What says nothing of a key.
    private func handler(
        for route: Route, _ request: borrowing RequestView, _ connection: HTTPConnection
    ) -> RequestHandler {
        switch route {
        case .key, .keys, .batch, .demo, .get, .set:
            return immediate(Problem.unknownPath.response, request.head, connection)
        case .root: return immediate(root(request, connection), request.head, connection)
        case .live:
            return immediate(
                Response(contentType: .plainText, body: ByteBuffer(string: "ok")), request.head, connection)
        case .openAPI: return immediate(Self.openAPI(request), request.head, connection)
        case .ready:
            let isDetailed = token?.isShown(in: request) ?? true
            return GatheringHandler(request.head, connection: connection, service: self) { service in
                Readiness(service.redis, isDraining: service.http.isDraining)
            } answer: { loops in
                Readiness(of: loops).response(isDetailed: isDetailed)
            }
        case .metrics: return MetricsHandler(request.head, connection: connection, service: self)
        case .topology: return topology(request, connection)
        case .topologyHistory: return topologyHistory(request, connection)
        case .topologyEvents:
            return StreamHandler(request.head, connection: connection, source: TopologyEvents(service: self))
        }
    }

    /// - Parameter app: how the answer to a read names this app; empty where it does not.
    func handler(
        for key: [UInt8], _ target: borrowing RequestTarget, _ request: borrowing RequestView,
        _ connection: HTTPConnection, app: [UInt8] = []
    ) throws(Problem) -> RequestHandler {
        switch request.head.method {
        case .put:
            if case .length(let length) = request.head.body, StreamedPutHandler.takes(request, length: length) {
                return try StreamedPutHandler(
                    request, target, length: length, connection: connection, key: key, service: self)
            }
            return try write(.key(.put(request, target, key: key)), request, connection)
        case .delete: return try write(.key(.delete(request, target, key: key)), request, connection)
        default: break
        }
        let form = try KeyForm(for: request)
        let demand = try ConsistencyDemand(request, target)
        if demand != nil || request.head.value(of: .ifMatch) != nil {
            return ConsistentReadHandler(
                .key(key, form), demand ?? ConsistencyDemand(), try request.readPreconditions, request.head,
                app: app, connection: connection, service: self)
        }
        return ReadHandler(
            request.head, connection: connection, key: key, form: form, known: request.knownTags, app: app,
            service: self)
    }

    private func write(
        _ operation: WriteOperation, _ request: borrowing RequestView, _ connection: HTTPConnection
    ) -> RequestHandler {
        WriteHandler(request, operation, connection: connection, service: self)
    }

    private func immediate(
        _ answer: Response, _ head: borrowing RequestHead, _ connection: HTTPConnection
    ) -> RequestHandler {
        ImmediateHandler(head, connection: connection, answer: answer)
    }

    // MARK: Reads that wait for a replica

    /// As many as wait at a time; further ones ask the master.
    private static let waitingReadsLimit = 1024

    var mayWaitForReplica: Bool { waitingReads < Self.waitingReadsLimit }

    func waitForReplica(until time: NIODeadline, _ resume: @escaping () -> Void) {
        waitingReads += 1
        eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.waitingReads -= 1
            resume()
        }
    }

    // MARK: Large values

    /// How many bytes of large values are kept at a time, so that they need not be read twice.
    private static let keptBytesLimit = 16 << 20
    private var keptBytes = 0

    /// - Returns: whether there is room to keep so many bytes; they have to be given back.
    func reserve(_ bytes: Int) -> Bool {
        guard bytes <= Self.keptBytesLimit - keptBytes else { return false }
        keptBytes += bytes
        return true
    }

    func giveBack(_ bytes: Int) { keptBytes -= bytes }

    /// Whether its connections to Redis are closed, or about to be.
    private(set) var isShutDown = false

    override func shutDown(_ completion: @escaping () -> Void) {
        isShutDown = true
        redis.shutDown(completion)
    }
}
