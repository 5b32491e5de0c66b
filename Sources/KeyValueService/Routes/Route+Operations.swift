extension Route {
    /// The path as metrics and logs name it: without the key, which may be private.
    var pattern: StaticString {
        switch self {
        case .get: "/get"
        case .set: "/set"
        case .key: "/v1/keys/{key}"
        case .keys: "/v1/keys"
        case .batch: "/v1/batch"
        case .root: "/"
        case .live: "/livez"
        case .ready: "/readyz"
        case .openAPI: "/openapi.json"
        case .metrics: "/metrics"
        case .topology: "/v1/topology"
        case .topologyEvents: "/v1/topology/events"
        case .topologyHistory: "/v1/topology/history"
        case .demo: "/v1/demo"
        }
    }

    /// Whether it is served without a token, where other routes need one.
    var isOpen: Bool {
        switch self {
        case .root, .live, .ready, .openAPI: true
        case .get, .set, .key, .keys, .batch, .metrics, .topology, .topologyEvents, .topologyHistory, .demo: false
        }
    }
}

extension Route? {
    /// ``Route/pattern``, and a separate word where there is no route.
    var pattern: StaticString { self?.pattern ?? "other" }
}
