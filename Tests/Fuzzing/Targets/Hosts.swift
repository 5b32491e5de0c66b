import HTTPWire

@testable import KeyValueService

/// A list of names, and then a request, with a zero byte between them.
func checkHosts(_ input: [UInt8]) throws(BrokenPromise) {
    let parts = parts(of: input, count: 3)
    let names = AllowedHosts.names(parsing: text(parts[0])) ?? []
    for name in names {
        try require(
            name.utf8.allSatisfy { 0x21...0x7E ~= $0 && !"/?#@, ".utf8.contains($0) }, "a name is a host's", name)
    }
    let origins = AllowedOrigins(parsing: text(parts[1])) ?? .none
    guard let hosts = AllowedHosts(listeningAt: "localhost", "127.0.0.1", port: 8080, more: names) else {
        throw BrokenPromise("names are looked at where a loopback address is listened on")
    }
    for name in names where !name.contains(":") {
        try require(hosts.contain(Array("\(name):1".utf8).span), "a listed name is allowed, with any port", name)
    }
    let wire = Array(parts[2...].joined(separator: [0])) + [13, 10, 13, 10]
    var decoder = RequestDecoder()
    var offset = 0
    guard case .head(let head) = decoder.next(wire.span, from: &offset) else { return }
    let request = RequestView(head, in: wire.span)
    let known = Set((names + ["localhost", "127.0.0.1", "::1"]).map(form))
    if hosts.allow(request) {
        // By another parser: an allowed request names one of the hosts, in the field and in the target.
        if let host = head.value(of: .host) {
            let name = form(hostName(text(Array(wire[host]))))
            try require(known.contains(name), "an allowed Host is one of the names", name)
        }
        let target = text(Array(wire[head.target]))
        if let authority = authority(of: target) {
            try require(known.contains(form(hostName(authority))), "an allowed target names one of the hosts", target)
        }
    }
    try checkSource(request, wire, origins)
}

private func checkSource(
    _ request: borrowing RequestView, _ wire: [UInt8], _ origins: AllowedOrigins
) throws(BrokenPromise) {
    func value(_ field: RequestField) -> String? { request.head.value(of: field).map { text(Array(wire[$0])) } }
    let isRepeated = request.head.isRepeated(.origin) || request.head.isRepeated(.secFetchSite)
    switch RequestSource(request, origins) {
    case .program:
        try require(!isRepeated && value(.origin) == nil, "what has an origin is no program")
        try require(["none", nil].contains(value(.secFetchSite)), "what a page asks for is no program's")
    case .ownPage:
        try require(!isRepeated, "what comes twice is not believed")
        guard value(.secFetchSite) != "same-origin" else { break }
        let host = hostName(value(.host) ?? "").lowercased()
        let origin = value(.origin)?.lowercased() ?? ""
        try require(
            !host.isEmpty && ["http://\(host)", "https://\(host)"].contains { origin.hasPrefix($0) },
            "a page of ours has our host", "\(origin) \(host)")
    case .allowedPage:
        try require(!origins.isEmpty && value(.origin) != nil, "only a page of an allowed origin is allowed")
    case .otherPage: break
    }
}

/// Before the port; an IPv6 address with its brackets.
private func hostName(_ text: String) -> String {
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") { return String(text[...end]) }
    return String(text.prefix { $0 != ":" })
}

private func form(_ name: String) -> String {
    var name = name.lowercased()
    if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
    return name.hasSuffix(".") ? String(name.dropLast()) : name
}

private func authority(of target: String) -> String? {
    let lower = target.lowercased()
    guard let start = ["http://", "https://"].first(where: lower.hasPrefix)?.count else { return nil }
    return String(target.dropFirst(start).prefix { !"/?#".contains($0) })
}
