internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import RedisCore
import Synchronization
internal import SystemFiles

/// Asks etcd: its endpoints in turn, with a token where it wants one.
///
/// A write that one endpoint may have got is not given to another one, which would call it a conflict with itself.
final class EtcdClient: Sendable {
    private let settings: EtcdSettings
    /// For errors.
    private let lease: String
    private let http: StoreHTTP
    private let tls: StoreTLS?
    private let state = Mutex(State())

    private struct State {
        /// The endpoint that is asked first.
        var endpoint = 0
        var token: String?
    }

    init(_ settings: EtcdSettings, lease: String, eventLoop: any EventLoop) {
        self.settings = settings
        self.lease = lease
        http = StoreHTTP(eventLoop: eventLoop)
        tls = settings.tls.map { StoreTLS($0) }
    }

    func shutDown() async { await http.shutDown() }

    /// - Parameters:
    ///   - isRepeatable: whether another endpoint may be asked although one may have carried it out.
    ///   - purpose: for errors: `read`, `written`.
    func ask<Answer: Decodable>(
        _ path: String, _ message: some Encodable, isRepeatable: Bool, within deadline: Duration, purpose: String
    ) async throws(LeaseStoreError) -> Answer {
        let body = try encoded(message)
        let end = ContinuousClock.now + deadline
        var reasons: [String] = []
        let count = settings.endpoints.count
        for attempt in 0..<count {
            let remaining = end - .now
            guard remaining > .zero else { break }
            let number = state.withLock { $0.endpoint }
            let share = isRepeatable ? remaining / (count - attempt) : remaining
            var mayBeDone = true
            switch await answer(of: number, path, body, until: .now + share) {
            case .done(let bytes):
                if let answer = EtcdMessage.decoded(Answer.self, bytes) { return answer }
                reasons.append(told(number, "answers 200, and not as etcd does"))
            case .tokenNeeded, .noAuthentication: throw refusal(number, .noUser, purpose)
            case .refused(let reason): throw refusal(number, reason, purpose)
            case .unavailable(let reason, let mayHaveBeenSent):
                reasons.append(told(number, reason))
                mayBeDone = mayHaveBeenSent
            }
            leave(number)
            if mayBeDone, !isRepeatable { break }
        }
        if reasons.isEmpty { reasons.append("no time was left") }
        throw .unavailable("\(lease) was not \(purpose): \(reasons.joined(separator: "; "))")
    }

    /// Asks for an answer that does not end.
    ///
    /// - Parameter line: says whether to go on.
    /// - Returns: when etcd ended it, or was silent for long.
    func follow(
        _ path: String, _ message: some Encodable, line: ([UInt8]) throws(LeaseStoreError) -> Bool
    ) async throws(LeaseStoreError) {
        let body = try encoded(message)
        let number = state.withLock { $0.endpoint }
        let end = ContinuousClock.now + StoreHTTP.connectTime * 2
        if settings.user != nil, state.withLock({ $0.token }) == nil {
            switch await authenticate(at: number, until: end) {
            case .done, .noAuthentication: break
            case .tokenNeeded: throw refusal(number, .noUser, "watched")
            case .refused(let reason): throw refusal(number, reason, "watched")
            case .unavailable(let reason, _): throw notWatched(number, reason)
            }
        }
        var isOver = true
        defer { if isOver { leave(number) } }
        try await http.follow(
            try request(number, path, body), connectDeadline: end - .now,
            refused: { answer throws(LeaseStoreError) in
                switch EtcdAnswer(status: answer.status, body: answer.body) {
                case .done: return
                case .tokenNeeded, .noAuthentication:
                    forgetToken()
                    throw refusal(number, .noUser, "watched")
                case .refused(let reason): throw refusal(number, reason, "watched")
                case .unavailable(let reason, _): throw notWatched(number, reason)
                }
            },
            failed: { notWatched(number, $0) }, line: line)
        isOver = false
    }

    /// The error for a watch that etcd ends, by its reason.
    func watchEnded(_ reason: String?) -> LeaseStoreError {
        guard let reason else { return .unavailable("\(lease) is not watched: etcd ended the watch") }
        // A token that is no longer good shows as a missing user or right, too.
        forgetToken()
        let shown = printable(reason.utf8, limit: 160)
        return reason.contains("PermissionDenied")
            ? .refused("\(lease) may not be watched: \(shown). \(cure)")
            : .unavailable("\(lease) is not watched: \(shown)")
    }

    // MARK: One endpoint

    private func answer(
        of number: Int, _ path: String, _ body: [UInt8], until end: ContinuousClock.Instant
    ) async -> EtcdAnswer {
        guard settings.user != nil else { return await post(number, path, body, until: end) }
        if state.withLock({ $0.token }) != nil {
            let answer = await post(number, path, body, until: end)
            guard answer == .tokenNeeded else { return answer }
            forgetToken()
        }
        switch await authenticate(at: number, until: end) {
        case .done, .noAuthentication: return await post(number, path, body, until: end)
        case let other: return other.beforeTheRequest
        }
    }

    /// Gets a token; ``EtcdAnswer/noAuthentication`` where none is needed.
    private func authenticate(at number: Int, until end: ContinuousClock.Instant) async -> EtcdAnswer {
        let message = EtcdMessage.Authenticate(name: settings.user ?? "", password: password)
        guard let body = EtcdMessage.encoded(message) else { return .refused(.wrongPassword) }
        let answer = await post(number, "auth/authenticate", body, until: end)
        guard case .done(let bytes) = answer else { return answer }
        guard let token = EtcdMessage.decoded(EtcdMessage.AuthenticateAnswer.self, bytes)?.token,
            1...4096 ~= token.utf8.count, token.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
        else { return .unavailable("gives no token", mayBeDone: false) }
        state.withLock { $0.token = token }
        return answer
    }

    /// By now: the file may have changed since the start.
    private var password: String {
        guard let path = settings.passwordFile, var bytes = try? SmallFile.read(path) else {
            return settings.password ?? ""
        }
        // An editor's or `echo`'s newline is not part of it.
        if bytes.last == UInt8(ascii: "\n") {
            bytes.removeLast()
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        }
        return bytes.isEmpty ? settings.password ?? "" : String(decoding: bytes, as: UTF8.self)
    }

    private func post(
        _ number: Int, _ path: String, _ body: [UInt8], until end: ContinuousClock.Instant
    ) async -> EtcdAnswer {
        do throws(LeaseStoreError) {
            let request = try request(number, path, body)
            do throws(StoreHTTPFailure) {
                let answer = try await http.answer(to: request, within: end - .now)
                return EtcdAnswer(status: answer.status, body: answer.body)
            } catch {
                return .unavailable("does not answer: \(error.reason)", mayBeDone: error.mayHaveBeenSent)
            }
        } catch {
            return .unavailable("cannot be asked: \(error)", mayBeDone: false)
        }
    }

    private func request(_ number: Int, _ path: String, _ body: [UInt8]) throws(LeaseStoreError) -> StoreHTTP.Request {
        let endpoint = settings.endpoints[number]
        var request = StoreHTTP.Request(method: .POST, url: "\(endpoint)/v3/\(path)", body: body)
        if let tls, endpoint.hasPrefix("https:") { request.tls = try tls.configuration() }
        if let token = state.withLock({ $0.token }) { request.headers = [("Authorization", token)] }
        return request
    }

    private func encoded(_ message: some Encodable) throws(LeaseStoreError) -> [UInt8] {
        guard let body = EtcdMessage.encoded(message) else {
            throw .unreadable("\(lease): the question to etcd cannot be written as JSON")
        }
        return body
    }

    private func forgetToken() { state.withLock { $0.token = nil } }

    /// The next question goes to the endpoint behind this one.
    private func leave(_ number: Int) {
        state.withLock { if $0.endpoint == number { $0.endpoint = (number + 1) % settings.endpoints.count } }
    }

    // MARK: Errors

    private func told(_ number: Int, _ reason: String) -> String { "\(settings.endpoints[number]) \(reason)" }

    private func notWatched(_ number: Int, _ reason: String) -> LeaseStoreError {
        .unavailable("\(lease) is not watched: \(told(number, reason))")
    }

    private func refusal(_ number: Int, _ refusal: EtcdAnswer.Refusal, _ purpose: String) -> LeaseStoreError {
        let reason =
            switch refusal {
            case .noUser where settings.user == nil: "asks for a user: give a user of etcd and its password"
            case .noUser: "takes no token of the given user: is it still there?"
            case .wrongPassword: "refuses the user or the password: give those of a user of etcd"
            case .noPermission: "refuses it. \(cure)"
            case .commonName:
                "takes no client certificate with a common name while its authentication is on: "
                    + "use one without (openssl req -subj /O=NAME)"
            }
        return .refused("\(lease) was not \(purpose): \(told(number, reason))")
    }

    private var cure: String {
        "Grant the user's role that right: etcdctl role grant-permission ROLE readwrite '\(settings.key)'"
    }
}
