import HTTPWire

/// Where a request goes, by its path.
enum Route: UInt8, CaseIterable {
    case get, set, key, keys, batch, root, live, ready, openAPI, metrics, topology, topologyEvents, topologyHistory,
        demo

    /// What precedes a key in a path.
    static let keysPath: StaticString = "/v1/keys/"

    /// - Throws: ``Problem/unknownPath``, ``Problem/methodNotAllowed(allowed:)``.
    init(path: Span<UInt8>, method: RequestMethod) throws(Problem) {
        guard let route = Self(path: path) else { throw .unknownPath }
        guard route.methods.contain(method) else { throw .methodNotAllowed(allowed: route.methods.allowed) }
        self = route
    }

    init?(path: Span<UInt8>) {
        switch path.count {
        case 0: self = .root
        case 1 where path.starts(with: "/"): self = .root
        case 4 where path.starts(with: "/get"): self = .get
        case 4 where path.starts(with: "/set"): self = .set
        case 6 where path.starts(with: "/livez"): self = .live
        case 7 where path.starts(with: "/readyz"): self = .ready
        case 8 where path.starts(with: "/v1/keys"): self = .keys
        case 9 where path.starts(with: "/v1/batch"): self = .batch
        case 13 where path.starts(with: "/openapi.json"): self = .openAPI
        case 8 where path.starts(with: "/metrics"): self = .metrics
        case 8 where path.starts(with: "/v1/demo"): self = .demo
        case 12 where path.starts(with: "/v1/topology"): self = .topology
        case 19 where path.starts(with: "/v1/topology/events"): self = .topologyEvents
        case 20 where path.starts(with: "/v1/topology/history"): self = .topologyHistory
        case 9... where path.starts(with: Self.keysPath): self = .key
        default: return nil
        }
    }

    /// What all paths together take.
    static let allMethods: StaticText = "GET, HEAD, POST, PUT, DELETE, OPTIONS"

    /// What the path takes, as in the field Allow.
    var allowed: StaticText { methods.allowed }

    /// Whether monitoring asks for it, and it is always answered.
    var isProbe: Bool { self == .live || self == .ready || self == .metrics }

    private var methods: Methods {
        switch self {
        case .set, .batch: .post
        case .key: .all
        case .get, .keys, .root, .live, .ready, .openAPI, .metrics, .topology, .topologyEvents, .topologyHistory,
            .demo:
            .read
        }
    }

    /// What a path takes.
    private enum Methods {
        case read, post, all

        func contain(_ method: RequestMethod) -> Bool {
            switch (self, method) {
            case (.read, .get), (.read, .head), (.post, .post), (.all, .get), (.all, .head), (.all, .put),
                (.all, .delete):
                true
            default: false
            }
        }

        /// As in the field Allow.
        var allowed: StaticText {
            switch self {
            case .read: "GET, HEAD, OPTIONS"
            case .post: "POST, OPTIONS"
            case .all: "GET, HEAD, PUT, DELETE, OPTIONS"
            }
        }
    }
}
