internal import FoundationEssentials
internal import NIOHTTP1
internal import RedisCore
import Synchronization

/// Asks the API server for one object, by its name.
final class KubernetesClient<Object: KubernetesObject>: Sendable {
    private let settings: KubernetesSettings
    /// For errors: `the Kubernetes lease "redis/redis-master"`.
    private let object: String
    private let http: StoreHTTP
    private let tls: StoreTLS
    private let token: ServiceAccountToken
    private let state = Mutex(State())

    private struct State {
        var patience = RefusalPatience()
        /// Before that, the API server wants no watch.
        var notBefore: ContinuousClock.Instant?
    }

    /// - Parameters:
    ///   - settings: with the name of the object.
    ///   - http: may serve several clients; who made it shuts it down.
    init(_ settings: KubernetesSettings, object: String, http: StoreHTTP) {
        self.settings = settings
        self.object = object
        self.http = http
        tls = StoreTLS(StoreTLSFiles(authorities: settings.authoritiesFile))
        token = ServiceAccountToken(path: settings.tokenFile)
    }

    /// What came of a question that was answered.
    enum Outcome {
        case object(Object)
        case absent
        case conflict
    }

    /// - Parameter object: what is created, or put in the place of the version that it names.
    func ask(
        _ verb: KubernetesVerb, _ object: Object? = nil, until end: ContinuousClock.Instant
    ) async throws(LeaseStoreError) -> Outcome {
        var body: [UInt8]?
        if let object {
            guard let data = try? JSONEncoder().encode(object) else {
                throw .unreadable("\(self.object): nothing was written, since the object cannot be written as JSON")
            }
            body = Array(data)
        }
        var answer = try await answer(verb, body, until: end)
        if answer == .unknownToken {
            // The token may just have been replaced.
            token.forget()
            answer = try await self.answer(verb, body, until: end)
        }
        switch answer {
        case .done(let bytes):
            guard let object = try? JSONDecoder().decode(Object.self, from: Data(bytes)),
                object.metadata.resourceVersion?.isEmpty == false, object.metadata.uid?.isEmpty == false
            else { throw failure(verb, "answers with something that is no \(Object.resource.kind)") }
            return .object(object)
        case .absent: return .absent
        case .conflict: return .conflict
        case .expired, .unknownToken, .forbidden, .invalid, .noNamespace, .unavailable: throw error(for: answer, verb)
        }
    }

    /// Hands on each line of a watch.
    ///
    /// - Parameters:
    ///   - version: after which changes come; `0`: a present state first, then changes.
    ///   - line: says whether to go on.
    /// - Returns: whether the API server still has what came after the version.
    func watch(
        from version: String, line: ([UInt8]) throws(LeaseStoreError) -> Bool
    ) async throws(LeaseStoreError) -> Bool {
        if let pause = state.withLock({ $0.notBefore }) { try? await Task.sleep(until: pause, clock: .continuous) }
        var query = "?watch=true&fieldSelector=metadata.name%3D\(settings.name)&allowWatchBookmarks=true"
        query += "&timeoutSeconds=300&resourceVersion=\(version)"
        var isExpired = false
        try await http.follow(
            try request(.watch, query: query), connectDeadline: StoreHTTP.connectTime * 3,
            refused: { answer throws(LeaseStoreError) in
                let answer = KubernetesAnswer(answer, Object.resource)
                if answer == .expired {
                    isExpired = true
                    return
                }
                if answer == .unknownToken { token.forget() }
                throw error(for: answer, .watch)
            },
            failed: { failure(.watch, $0) },
            line: { bytes throws(LeaseStoreError) in
                state.withLock { $0.patience.allowed(.watch) }
                return try line(bytes)
            })
        return !isExpired
    }

    // MARK: One question

    private func answer(
        _ verb: KubernetesVerb, _ body: [UInt8]?, until end: ContinuousClock.Instant
    ) async throws(LeaseStoreError) -> KubernetesAnswer {
        var request = try request(verb)
        request.body = body
        let raw: StoreHTTP.Answer
        do throws(StoreHTTPFailure) {
            raw = try await http.answer(to: request, within: end - .now)
        } catch {
            throw failure(verb, "does not answer: \(error.reason)")
        }
        let answer = KubernetesAnswer(raw, Object.resource)
        switch answer {
        case .done, .absent, .conflict, .expired, .invalid, .noNamespace: state.withLock { $0.patience.allowed(verb) }
        case .unknownToken, .forbidden, .unavailable: break
        }
        return answer
    }

    private func request(
        _ verb: KubernetesVerb, query: String = ""
    ) throws(LeaseStoreError) -> StoreHTTP.Request {
        let resource = Object.resource
        var url = "\(settings.server)/apis/\(resource.group)/v1/namespaces/\(settings.namespace)/\(resource.plural)"
        let method: HTTPMethod
        switch verb {
        case .get:
            url += "/\(settings.name)"
            method = .GET
        case .create: method = .POST
        case .update:
            url += "/\(settings.name)"
            method = .PUT
        case .watch: method = .GET
        }
        return StoreHTTP.Request(
            method: method, url: url + query, headers: [("Authorization", "Bearer \(try token.current())")],
            tls: try tls.configuration())
    }

    // MARK: Errors

    func failure(_ verb: KubernetesVerb, _ reason: String) -> LeaseStoreError {
        .unavailable("\(told(verb)): the API server \(settings.server) \(reason)")
    }

    /// The error for an answer that is neither an object nor its absence.
    private func error(for answer: KubernetesAnswer, _ verb: KubernetesVerb) -> LeaseStoreError {
        switch answer {
        case .unavailable(let reason, let retryAfter):
            if let retryAfter {
                let pause = Duration.seconds(max(1, min(10, retryAfter)))
                state.withLock { $0.notBefore = .now + pause }
            }
            let later = retryAfter.map { ", and asks to come again after \($0) s" } ?? ""
            return failure(verb, "answers \(reason)\(later)")
        case .invalid(let reason):
            return .unreadable("\(told(verb)): the API server \(settings.server) does not take it: \(reason)")
        case .noNamespace:
            return .unreadable(
                "\(told(verb)): there is no namespace \"\(settings.namespace)\" in this cluster: create it, or name the "
                    + "pod's own by POD_NAMESPACE")
        case .forbidden:
            return refusal(
                verb, "403",
                "the right \"\(verb)\" on the resource \"\(Object.resource.plural)\" of \(Object.resource.group) "
                    + "in the namespace \"\(settings.namespace)\" is missing: give the pod's service account a Role with it"
            )
        case .unknownToken:
            return refusal(
                verb, "401",
                "it does not take the token in '\(settings.tokenFile)': is it of this cluster, and not expired?")
        case .expired: return failure(verb, "answers 410: what came after that version is gone")
        case .done, .absent, .conflict: return failure(verb, "gives an answer that does not fit")
        }
    }

    private func refusal(_ verb: KubernetesVerb, _ status: String, _ reason: String) -> LeaseStoreError {
        // The same words, so that one line is in the log however long it lasts.
        let words = "\(told(verb)): the API server answers \(status), which means (but while it starts): \(reason)"
        let isOverdue = state.withLock { $0.patience.refused(verb, at: .now) }
        return isOverdue ? .refused(words) : .unavailable(words)
    }

    private func told(_ verb: KubernetesVerb) -> String {
        switch verb {
        case .get: "\(object) was not read"
        case .create: "\(object) was not created"
        case .update: "\(object) was not written"
        case .watch: "\(object) is not watched"
        }
    }
}

extension KubernetesAnswer {
    fileprivate init(_ answer: StoreHTTP.Answer, _ resource: KubernetesResource) {
        self.init(
            status: answer.status, body: answer.body, retryAfter: answer.retryAfter, resource: resource)
    }
}
