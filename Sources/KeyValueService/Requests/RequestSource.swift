import HTTPWire

/// Who has a request sent, as far as its fields tell.
///
/// A browser sends Origin with every request that is not a GET or HEAD (WHATWG Fetch, "append a request `Origin` header"),
/// and Sec-Fetch-Site with all of them where the server is on this machine or behind TLS. A page can neither leave them out
/// nor choose them. So what has neither is from a program, such as curl, which acts for its own user.
enum RequestSource: Equatable {
    /// No page.
    case program
    /// A page of this service.
    case ownPage
    /// A page of an origin that `CORS_ALLOWED_ORIGINS` names.
    case allowedPage
    case otherPage

    init(_ request: borrowing RequestView, _ allowed: AllowedOrigins) {
        guard !request.head.isRepeated(.origin), !request.head.isRepeated(.secFetchSite) else {
            self = .otherPage
            return
        }
        // Also where a proxy gives the request another Host.
        if let site = request.value(of: .secFetchSite), site.equals("same-origin") {
            self = .ownPage
            return
        }
        let hasSite = request.head.value(of: .secFetchSite) != nil
        guard let origin = request.value(of: .origin) else {
            // `none`: the user's own doing.
            let isUsers = request.value(of: .secFetchSite)?.equals("none") ?? true
            self = isUsers ? .program : .otherPage
            return
        }
        if allowed.place(of: origin) != .none {
            self = .allowedPage
        } else if !hasSite, let host = request.value(of: .host), origin.isOrigin(of: host) {
            self = .ownPage
        } else {
            self = .otherPage
        }
    }
}

extension RequestMethod {
    /// Whether it may change what is stored.
    var isWrite: Bool { self == .put || self == .post || self == .delete }
}

extension Span<UInt8> {
    /// Whether a page of this origin comes from this host. The scheme is not compared: TLS may end at a proxy.
    fileprivate func isOrigin(of host: Span<UInt8>) -> Bool {
        let isHTTPS = startsIgnoringCase(with: "https://")
        guard isHTTPS || startsIgnoringCase(with: "http://") else { return false }
        let authority = extracting((isHTTPS ? 8 : 7)..<count)
        let (name, hostName) = (authority.endOfHostName, host.endOfHostName)
        guard name > 0, authority.isEndOrPort(from: name), host.isEndOrPort(from: hostName),
            authority.extracting(0..<name).isSameIgnoringCase(as: host.extracting(0..<hostName))
        else { return false }
        let own: StaticString = isHTTPS ? ":443" : ":80"
        let port = authority.extracting(name..<authority.count)
        let hostPort = host.extracting(hostName..<host.count)
        // Browsers leave the scheme's own port out; a proxy may write it.
        let isDefault = port.isEmpty || port.equals(own)
        let isHostDefault = hostPort.isEmpty || hostPort.equals(own)
        return isDefault || isHostDefault ? isDefault && isHostDefault : port.isSameIgnoringCase(as: hostPort)
    }
}

extension Problem {
    /// Refuses a write that a page of another origin may have the browser send.
    ///
    /// PUT and DELETE may come with any Content-Type: a browser asks OPTIONS before it sends them from a page of another origin,
    /// and is refused. POST it sends without asking, unless the Content-Type is one that no form has (CORS-safelisted request
    /// header). So a POST that shows no token and is from no page of ours has to name JSON.
    ///
    /// - Parameter showsToken: the request showed a token, which no page of another origin can have the browser send.
    static func check(
        write request: borrowing RequestView, allowing origins: AllowedOrigins, showsToken: Bool
    ) throws(Problem) {
        switch RequestSource(request, origins) {
        case .ownPage, .allowedPage: return
        case .otherPage: throw .foreignOrigin
        case .program:
            guard request.head.method == .post, !showsToken else { return }
            guard let type = request.value(of: .contentType), !request.head.isRepeated(.contentType),
                type.isMediaType("application/json")
            else { throw .unsupportedMediaType }
        }
    }
}
