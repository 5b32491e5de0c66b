internal import FoundationEssentials
internal import RedisCore

/// What an answer of the API server means.
enum KubernetesAnswer: Equatable {
    case done([UInt8])
    /// There is no such object.
    case absent
    /// Another version is there, or it is there already. Nothing was done.
    case conflict
    /// A watch cannot go on from there.
    case expired
    /// 401: who are you?
    case unknownToken
    /// 403: you may not. Also for a moment after the API server has started: it reads its rules then.
    case forbidden
    /// Nothing was done, and nothing would be: the API server does not take the object.
    case invalid(String)
    /// Nothing was done: there is no such namespace.
    case noNamespace
    /// Whether it was done is not known.
    case unavailable(String, retryAfter: Int?)

    /// - Parameters:
    ///   - retryAfter: in seconds.
    ///   - resource: what was asked for.
    init(status: Int, body: [UInt8], retryAfter: Int? = nil, resource: KubernetesResource = .leases) {
        let answer = (try? JSONDecoder().decode(Status.self, from: Data(body))) ?? Status()
        let told = answer.message.map { ": \(printable($0.utf8, limit: 200))" } ?? ""
        switch status {
        case 200, 201: self = .done(body)
        case 401: self = .unknownToken
        case 403: self = .forbidden
        case 404 where answer.reason == "NotFound" && answer.details?.kind == resource.plural: self = .absent
        case 404 where answer.reason == "NotFound" && answer.details?.kind == "namespaces": self = .noNamespace
        case 404 where answer.reason == "NotFound": self = .invalid("404\(told)")
        case 404:
            self = .unavailable("404: it has no \(resource.group)/v1, or is no API server", retryAfter: nil)
        case 409: self = .conflict
        case 410: self = .expired
        case 400, 413, 422: self = .invalid("\(status)\(told)")
        case 429: self = .unavailable("429, too many requests\(told)", retryAfter: retryAfter)
        default: self = .unavailable("\(status)\(told)", retryAfter: retryAfter)
        }
    }

    /// Of `meta/v1`.
    private struct Status: Decodable {
        var message: String?
        var reason: String?
        var details: Details?

        struct Details: Decodable {
            var kind: String?
        }
    }
}
