internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// HTTP/1.1 toward a lease store, on one event loop: bounded answers, and a deadline that counts connecting, asking
/// and reading.
final class StoreHTTP: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod
        var url: String
        var headers: [(name: String, value: String)] = []
        var body: [UInt8]?
        var tls: TLSConfiguration?
    }

    struct Answer: Sendable {
        var status: Int
        /// In seconds, where it asks to come again later.
        var retryAfter: Int?
        var body: [UInt8]
    }

    /// How long TCP and TLS may take to connect.
    static let connectTime = Duration.seconds(1)
    /// How long a watch may be silent before it counts as dead.
    static let watchSilence = Duration.seconds(10)
    /// The most bytes of an answer, and of a line of a watch. Kubernetes adds its own fields to the record.
    static let maximumBytes = 1 << 20

    private let client: HTTPClient

    init(eventLoop: any EventLoop) {
        var pool = HTTPClient.Configuration.ConnectionPool(idleTimeout: .seconds(30))
        // The callers have deadlines and other endpoints: they have to know at once.
        pool.retryConnectionEstablishment = false
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(Self.connectTime), read: TimeAmount(Self.watchSilence)),
            connectionPool: pool, ignoreUncleanSSLShutdown: false, decompression: .disabled)
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroup: eventLoop, configuration: configuration)
    }

    deinit {
        let client = client
        Task { try? await client.shutdown() }
    }

    /// Asks, and reads the whole answer.
    func answer(to request: Request, within deadline: Duration) async throws(StoreHTTPFailure) -> Answer {
        guard deadline > .zero else { throw StoreHTTPFailure(reason: "no time was left", mayHaveBeenSent: false) }
        let outcome: Result<Answer, StoreHTTPFailure>
        do {
            outcome = try await withThrowingTaskGroup(of: Result<Answer, StoreHTTPFailure>.self) { group in
                group.addTask { [client] in
                    do {
                        let response = try await client.execute(
                            Self.native(request), deadline: .now() + TimeAmount(deadline))
                        let body = try await response.body.collect(upTo: Self.maximumBytes)
                        return .success(
                            Answer(
                                status: Int(response.status.code),
                                retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) },
                                body: Array(body.readableBytesView)))
                    } catch {
                        return .failure(StoreHTTPFailure(error, deadline: deadline))
                    }
                }
                group.addTask {
                    try await Task.sleep(for: deadline)
                    return .failure(StoreHTTPFailure(HTTPClientError.deadlineExceeded, deadline: deadline))
                }
                defer { group.cancelAll() }
                return try await group.next() ?? .failure(StoreHTTPFailure(CancellationError(), deadline: deadline))
            }
        } catch {
            throw StoreHTTPFailure(error, deadline: deadline)
        }
        return try outcome.get()
    }

    /// Asks, and hands on each line of an answer that does not end.
    ///
    /// - Parameters:
    ///   - connectDeadline: until when the head of the answer has to be there.
    ///   - refused: gets an answer whose status is not 200, with at most ``maximumBytes`` of its body.
    ///   - failed: makes the error from why there was no answer, or why it ended too early.
    ///   - line: says whether to go on.
    /// - Returns: when the other side ended the answer, or said nothing for ``watchSilence``.
    func follow(
        _ request: Request, connectDeadline: Duration, refused: (Answer) throws(LeaseStoreError) -> Void,
        failed: (String) -> LeaseStoreError, line: ([UInt8]) throws(LeaseStoreError) -> Bool
    ) async throws(LeaseStoreError) {
        var hasHead = false
        do {
            let response = try await client.execute(
                Self.native(request), deadline: .now() + TimeAmount(connectDeadline))
            hasHead = true
            guard response.status == .ok else {
                let body = try await response.body.collect(upTo: Self.maximumBytes)
                try refused(
                    Answer(
                        status: Int(response.status.code),
                        retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) },
                        body: Array(body.readableBytesView)))
                return
            }
            var lines = Lines(maximumBytes: Self.maximumBytes)
            for try await piece in response.body {
                guard lines.append(piece.readableBytesView) else {
                    throw failed("sends a line with more than \(Self.maximumBytes) bytes")
                }
                while let whole = lines.next() {
                    guard try line(whole) else { return }
                }
            }
        } catch let error as LeaseStoreError {
            throw error
        } catch let error as HTTPClientError where hasHead && error == .readTimeout {
            // Nothing has changed, or the other side is dead: the next connect shows.
        } catch {
            throw failed("does not answer: \(StoreHTTPFailure(error, deadline: connectDeadline).reason)")
        }
    }

    func shutDown() async { try? await client.shutdown() }

    private static func native(_ request: Request) -> HTTPClientRequest {
        var native = HTTPClientRequest(url: request.url)
        native.method = request.method
        for header in request.headers { native.headers.add(name: header.name, value: header.value) }
        native.headers.add(name: "User-Agent", value: "redis-replica-kit")
        native.headers.add(name: "Accept", value: "application/json")
        if let body = request.body {
            native.headers.add(name: "Content-Type", value: "application/json")
            native.body = .bytes(ByteBuffer(bytes: body))
        }
        native.tlsConfiguration = request.tls
        return native
    }
}
