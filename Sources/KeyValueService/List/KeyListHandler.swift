import HTTPWire
import NIOCore
import RedisClient
import RedisCore

/// `GET /v1/keys`: a page of keys by SCAN, all pages of a walk from one server.
///
/// The guarantee is SCAN's: a key that exists during the whole walk is listed at least once, and may be listed twice.
final class KeyListHandler: RequestHandler {
    /// A SCAN may find nothing for long where few keys have the prefix. So many are sent for one page at the most…
    private static let maximumScans = 10
    /// …and none once this time has passed: then the page is empty, and its cursor leads on.
    private static let longest: TimeAmount = .milliseconds(100)

    private let request: KeyListRequest
    private let demand: ConsistencyDemand?
    private let service: KeyValueService
    private var server: (reader: RedisLoop.Reader, runID: [UInt8])?
    private var read = RetriedRead()
    private var position: UInt64 = 0
    private var scans = 0
    private var deadline = NIODeadline.distantFuture
    private var verdict: ReplicationVerdict?
    /// The page, while the token for it is still to come.
    private var page: ByteBuffer?

    init(
        _ head: borrowing RequestHead, connection: HTTPConnection, request: KeyListRequest,
        demand: ConsistencyDemand?, service: KeyValueService
    ) {
        self.request = request
        self.demand = demand
        self.service = service
        super.init(head, connection: connection)
    }

    override func begin() {
        guard let cursor = request.cursor else {
            if let demand, demand.needsProof { return beginWalk(demand) }
            startClock()
            if !beginWalk() { respond(Problem(noReaderOf: service.redis)) }
            return
        }
        guard let reader = service.redis.reader(runID: cursor.runID) else { return respond(.cursorGone) }
        guard let demand, demand.needsProof else { return walkOn(cursor, reader, verdict: nil) }
        // Only the server that gave the cursor can go on: it has to show what is demanded, or the walk is over.
        ConsistentRead(.position, demand, for: self, service: service, onlyServer: reader.connection) {
            self.walkOn(cursor, $0, verdict: $1)
        }
        .begin()
    }

    private func startClock() { deadline = .now() + Self.longest }

    /// The pages of a walk come from one server: the one that shows what is demanded of the first.
    private func beginWalk(_ demand: ConsistencyDemand) {
        ConsistentRead(.position, demand, for: self, service: service) { reader, verdict in
            guard let runID = reader.connection.runID else {
                return self.respond(Problem(.notConnected, role: "Redis server"))
            }
            self.walkOn(ScanCursor(runID: runID, position: 0), reader, verdict: verdict)
        }
        .begin()
    }

    private func walkOn(_ cursor: ScanCursor, _ reader: RedisLoop.Reader, verdict: ReplicationVerdict?) {
        startClock()
        self.verdict = verdict
        server = (reader, cursor.runID)
        position = cursor.position
        scan()
    }

    private var wantsToken: Bool { demand?.wantsToken ?? false }

    /// - Returns: whether there is a server to begin a walk on.
    private func beginWalk() -> Bool {
        position = 0
        while let reader = read.next(of: service.redis) {
            if let runID = reader.connection.runID {
                server = (reader, runID)
                scan()
                return true
            }
            // No cursor could name it.
            guard read.mayGoOn(after: nil) else { return false }
        }
        return false
    }

    /// What Redis does for a key is worth so many bytes of a reply.
    private static let costOfKey = 512

    private func scan() {
        guard turn == nil else { return sendScan() }
        takeTurn(cost: request.limit * Self.costOfKey) {
            self.startClock()
            self.sendScan()
        }
    }

    private func sendScan() {
        guard let server else { return }
        scans += 1
        let request = request
        do {
            try server.reader.connection.submit(self, replies: 1, information: wantsToken ? .parsed : nil) {
                $0.writeSCAN(cursor: position, pattern: request.pattern.span, count: request.limit)
            }
        } catch {
            fail(error)
        }
    }

    override func command(at index: Int) -> RedisCommand { .scan(count: request.limit) }

    override func receive(_ reply: RedisReply, at index: Int) {
        guard let connection = server?.reader.connection else { return }
        // INFO was answered with an error: the page has no token.
        if index > 0 { return confirmPage(nil) }
        switch reply {
        case .array(let elements):
            guard elements.count == 2, case .bulk(let next) = elements[0], let next = UInt64(decimal: next),
                case .array(let keys) = elements[1]
            else { return connection.distrust() }
            receive(keys, next: next)
        case .error(let text):
            connection.observe(error: text)
            let problem = Problem(redisError: text)
            if mayBeginAnew, read.mayGoOn(after: problem), beginWalk() { return }
            respond(Response(problem.head(server: connection.servedFields), body: problem.body))
        case .bulk, .simple, .integer, .null: connection.distrust()
        }
    }

    private func receive(_ keys: [RedisValue], next: UInt64) {
        position = next
        if keys.isEmpty, next != 0, scans < Self.maximumScans, .now() < deadline { return scan() }
        guard let server else { return }
        let cursor = next == 0 ? nil : ScanCursor(runID: server.runID, position: next)
        page = Self.body(keys, cursor)
        if !wantsToken { confirmPage(nil) }
    }

    override func receive(_ information: ReplicationInfo?) { confirmPage(information) }

    /// Answers the page, unless it lacks keys because the replica has lost its data.
    private func confirmPage(_ information: ReplicationInfo?) {
        guard let server, server.reader.isStale else { return answerPage(information) }
        server.reader.confirmData { data in
            if data == .kept { return self.answerPage(information) }
            self.page = nil
            // A walk goes on where it began, or not at all.
            guard self.mayBeginAnew else { return self.respond(.cursorGone) }
            if self.read.mayGoOn(after: data) ?? false, self.beginWalk() { return }
            self.respond(Problem(.notConnected, role: "Redis server"))
        }
    }

    /// - Parameter information: what the server said of itself behind the keys.
    private func answerPage(_ information: ReplicationInfo?) {
        guard let page, let server else { return }
        var head = ResponseHead(.json, from: server.reader)
        if let token = information.flatMap(ReplicationToken.init(of:)) { head.add("Replication-Token", token.bytes) }
        if let verdict { head.add("Replication-Verdict", verdict.rawValue) }
        respond(Response(head, body: page))
    }

    private static func body(_ keys: [RedisValue], _ cursor: ScanCursor?) -> ByteBuffer {
        var body = ByteBuffer()
        body.writeStaticString("{\"keys\":[")
        var isFirst = true
        for case .bulk(let key) in keys {
            body.writeStaticString(isFirst ? "{" : ",{")
            body.writeJSONMember("key", key.span)
            body.writeStaticString("}")
            isFirst = false
        }
        body.writeStaticString("],\"cursor\":")
        if let cursor {
            body.writeStaticString("\"")
            body.writeBytes(cursor.text)
            body.writeStaticString("\"}")
        } else {
            body.writeStaticString("null}")
        }
        return body
    }

    override var mayBeAskedAgain: Bool { true }

    override func fail(_ failure: RedisFailure) {
        if failure == .displaced, let server, server.reader.connection.runID == server.runID,
            read.mayGoOnAfterDisplacement()
        {
            return scan()
        }
        if mayBeginAnew, read.mayGoOn(after: failure), beginWalk() { return }
        respond(Problem(failure, role: "Redis server"))
    }

    /// A walk that has not listed anything yet may begin on another server, unless only one has shown what is demanded.
    private var mayBeginAnew: Bool { request.cursor == nil && !(demand?.needsProof ?? false) && server != nil }
}
