import HTTPWire

/// Where a request goes, by path and method.
enum Route: Equatable {
    case get, set, key, hostname, live, ready

    /// What precedes a key in a path.
    static let keysPath: StaticString = "/v1/keys/"

    /// - Throws: ``Problem/unknownPath``, ``Problem/methodNotAllowed(allowed:)``.
    init(path: Span<UInt8>, method: RequestMethod) throws(Problem) {
        let route: Route? =
            switch path.count {
            case 0: .hostname
            case 1 where path.starts(with: "/"): .hostname
            case 4 where path.starts(with: "/get"): .get
            case 4 where path.starts(with: "/set"): .set
            case 6 where path.starts(with: "/livez"): .live
            case 7 where path.starts(with: "/readyz"): .ready
            case 9... where path.starts(with: Self.keysPath): .key
            default: nil
            }
        guard let route else { throw .unknownPath }
        switch (route, method) {
        case (.set, .post), (.get, .get), (.get, .head), (.key, .get), (.key, .head), (.hostname, .get),
            (.hostname, .head), (.live, .get), (.live, .head), (.ready, .get), (.ready, .head):
            self = route
        case (.set, _): throw .methodNotAllowed(allowed: "POST")
        case (.get, _), (.key, _), (.hostname, _), (.live, _), (.ready, _):
            throw .methodNotAllowed(allowed: "GET, HEAD")
        }
    }
}

extension Span<UInt8> {
    /// Whether the first bytes are the text.
    func starts(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }
}
