import NIOHTTP1

/// Where a request goes, by path and method.
enum Route: Equatable {
    case get, set, hostname, live, ready

    /// - Throws: ``Problem/unknownPath``, ``Problem/methodNotAllowed(allowed:)``.
    init(path: ArraySlice<UInt8>, method: HTTPMethod) throws(Problem) {
        let route: Route? =
            switch path.count {
            case 0: .hostname
            case 1 where path.elementsEqual("/".utf8): .hostname
            case 4 where path.elementsEqual("/get".utf8): .get
            case 4 where path.elementsEqual("/set".utf8): .set
            case 6 where path.elementsEqual("/livez".utf8): .live
            case 7 where path.elementsEqual("/readyz".utf8): .ready
            default: nil
            }
        guard let route else { throw .unknownPath }
        switch (route, method) {
        case (.set, .POST), (.get, .GET), (.get, .HEAD), (.hostname, .GET), (.hostname, .HEAD), (.live, .GET),
            (.live, .HEAD),
            (.ready, .GET), (.ready, .HEAD):
            self = route
        case (.set, _): throw .methodNotAllowed(allowed: "POST")
        case (.get, _), (.hostname, _), (.live, _), (.ready, _): throw .methodNotAllowed(allowed: "GET, HEAD")
        }
    }
}
