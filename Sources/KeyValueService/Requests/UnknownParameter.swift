import HTTPWire

/// A query parameter that a route does not take with this method, and what may have been meant.
struct UnknownParameter: Equatable, Sendable {
    /// Longer names are neither repeated nor compared.
    private static let longest = 32

    /// As it was sent; `nil` where it is too long, or holds more than letters, digits and `-._~`.
    let name: String?
    /// What the route takes with this method.
    let taken: [StaticText]
    /// The one that is most like it, or the very name, where another method takes it.
    let nearest: StaticText?
    /// The method that takes ``nearest``, where it is not the one that was used.
    let otherMethod: StaticText?

    /// - Parameter name: decoded.
    init(_ name: Span<UInt8>, of route: Route, _ method: RequestMethod) {
        self.name = name.count <= Self.longest && name.isPlain ? name.text : nil
        taken = route.parameters(for: method)
        var nearest = Self.nearest(to: name, among: taken)
        var otherMethod: StaticText?
        for (other, word): (RequestMethod, StaticText) in [(.get, "GET"), (.put, "PUT"), (.delete, "DELETE")]
        where nearest == nil {
            nearest = Self.nearest(to: name, among: route.parameters(for: other))
            otherMethod = nearest == nil ? nil : word
        }
        self.nearest = nearest
        self.otherMethod = otherMethod
    }

    private static func nearest(to name: Span<UInt8>, among known: [StaticText]) -> StaticText? {
        guard 1...longest ~= name.count else { return nil }
        var best: (text: StaticText, distance: Int)?
        for text in known {
            let distance = name.distance(to: text.text)
            if distance <= max(1, text.text.utf8CodeUnitCount / 3), distance < best?.distance ?? .max {
                best = (text, distance)
            }
        }
        return best?.text
    }

    var detail: String {
        let subject = name.map { "The parameter \($0)" } ?? "A parameter of the query"
        let list = taken.map(\.description)
        let takes =
            list.isEmpty
            ? "none"
            : list.count == 1 ? list[0] : list.dropLast().joined(separator: ", ") + " and " + list[list.count - 1]
        guard let nearest else { return "\(subject) is not known here; this takes \(takes)." }
        guard let otherMethod else {
            return "\(subject) is not known here; did you mean \(nearest)? This takes \(takes)."
        }
        return name == nearest.description
            ? "\(subject) is for \(otherMethod) alone; leave it out. This takes \(takes)."
            : "\(subject) is not known here; \(nearest) would be for \(otherMethod) alone. This takes \(takes)."
    }
}

extension Route {
    /// The query parameters that it takes with a method that it has.
    func parameters(for method: RequestMethod) -> [StaticText] {
        switch (self, method) {
        case (.key, .put): ["ttl", "replicas", "within"]
        case (.key, .delete): ["replicas", "within"]
        case (.key, _): ["max-lag"]
        case (.keys, _): ["prefix", "cursor", "limit", "max-lag"]
        case (.demo, _): ["key", "max-lag"]
        case (.get, _): ["key", "max-lag"]
        case (.batch, _): ["max-lag"]
        case (.topology, _), (.topologyEvents, _), (.topologyHistory, _), (.set, _), (.root, _), (.live, _),
            (.ready, _),
            (.openAPI, _),
            (.metrics, _):
            []
        }
    }

    /// Whether a parameter that it does not take is refused. The routes of the original pass it over, as they always did, and
    /// so do those that probes and scrapers ask.
    private var refusesUnknownParameters: Bool {
        switch self {
        case .key, .keys, .batch, .demo, .topology, .topologyEvents, .topologyHistory: true
        case .get, .set, .root, .live, .ready, .openAPI, .metrics: false
        }
    }

    /// - Throws: ``Problem/unknownParameter(_:)``, ``Problem/repeatedParameter(_:)``, ``Problem/invalidPercentEncoding``.
    func checkParameters(of target: borrowing RequestTarget, _ method: RequestMethod) throws(Problem) {
        guard refusesUnknownParameters else { return }
        let taken = parameters(for: method)
        var seen: [StaticText] = []
        var query = target.parameterNames
        while let name = try query.next() {
            // A bound on age, where it cannot be met, is refused in words of its own: ``ConsistencyDemand``.
            guard let known = (taken + ["max-lag"]).first(where: { name.span.equals($0.text) }) else {
                throw .unknownParameter(UnknownParameter(name.span, of: self, method))
            }
            guard !seen.contains(known) else { throw .repeatedParameter(known) }
            seen.append(known)
        }
    }
}

extension Span<UInt8> {
    /// Whether it may stand in an answer as it is.
    fileprivate var isPlain: Bool {
        for index in indices {
            switch self[index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                break
            default: return false
            }
        }
        return count > 0
    }

    /// How many letters are to be changed, put in, left out or swapped with the next to get the text; capitals count as small
    /// ones.
    fileprivate func distance(to text: StaticString) -> Int {
        let width = text.utf8CodeUnitCount
        func letter(_ index: Int) -> UInt8 {
            let byte = self[index]
            return UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
        }
        func other(_ index: Int) -> UInt8 { unsafe text.utf8Start[index] }
        var beforeLast: [Int] = []
        var last = Array(0...width)
        for row in indices {
            var line = [row + 1]
            for column in 0..<width {
                let isSame = letter(row) == other(column)
                var best = Swift.min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, letter(row) == other(column - 1), letter(row - 1) == other(column) {
                    best = Swift.min(best, beforeLast[column - 1] + 1)
                }
                line.append(best)
            }
            beforeLast = last
            last = line
        }
        return last[width]
    }
}
