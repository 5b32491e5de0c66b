import Foundation
import Synchronization

/// The Leases, EndpointSlices and Events of one namespace, with the answers that the API server of Kubernetes 1.36 was seen to give.
final class ScriptedLeases: Sendable {
    struct Question: Sendable {
        var method: String
        /// Without the query.
        var path: String
        var query: [String: String]
        var authorization: String?
        var body: Data
    }

    enum Answer: Sendable {
        case whole(status: Int, headers: [(String, String)] = [], body: String)
        /// What was there first, then what comes.
        case watch([String])
        /// Nothing, ever.
        case silence
        /// A head, half a body, and nothing more.
        case half
        /// The connection ends without an answer.
        case hangUp
    }

    static let namespace = "redis"
    /// The kinds of objects that it knows, by their place behind `/apis/`.
    private static let groups = [
        "leases": "coordination.k8s.io", "endpointslices": "discovery.k8s.io", "events": "events.k8s.io",
    ]

    private struct State {
        /// By name; what is no lease has its kind before that: `events/redis-0.17`.
        var leases: [String: [String: any Sendable]] = [:]
        var version = 1000
        /// Each change, as a watch tells it.
        var events: [(version: Int, name: String, line: String)] = []
        /// Versions up to this one are no longer known to watches.
        var forgotten = 0
        var token = "token-1"
        /// Answers that come before the real ones, by verb.
        var planned: [String: [Answer]] = [:]
        var asked: [String: Int] = [:]
    }

    private let state = Mutex(State())

    // MARK: What a test arranges

    var token: String {
        get { state.withLock { $0.token } }
        set { state.withLock { $0.token = newValue } }
    }

    /// The next answers to a verb: `get`, `create`, `update`, `watch`, or `any`.
    func plan(_ verb: String, _ answers: Answer...) {
        state.withLock { $0.planned[verb, default: []] += answers }
    }

    func asked(_ verb: String) -> Int { state.withLock { $0.asked[verb] ?? 0 } }

    /// As etcd's compaction does: watches cannot go on from earlier versions.
    func forgetEvents() {
        state.withLock { state in
            state.forgotten = state.version
            state.events = []
        }
    }

    func object(_ name: String) -> String? { state.withLock { $0.leases[name].map(Self.text) } }

    /// The names of a kind, in the order of their making.
    func names(of kind: String) -> [String] {
        state.withLock { state in
            state.leases.filter { $0.key.hasPrefix("\(kind)/") }
                .sorted { Self.version(of: $0.value) < Self.version(of: $1.value) }.map(\.key)
        }
    }

    /// Puts an object there as another program does.
    func put(_ name: String, _ json: String) throws {
        let object = try Self.object(Data(json.utf8))
        state.withLock { _ = Self.store(object, name, "MODIFIED", &$0) }
    }

    func remove(_ name: String) {
        state.withLock { state in
            guard let object = state.leases.removeValue(forKey: name) else { return }
            state.version += 1
            Self.tell("DELETED", object, name, &state)
        }
    }

    // MARK: Answers

    func answer(_ question: Question) -> Answer {
        state.withLock { state in
            let verb = Self.verb(question)
            state.asked[verb, default: 0] += 1
            for key in [verb, "any"] {
                if var planned = state.planned[key], !planned.isEmpty {
                    let answer = planned.removeFirst()
                    state.planned[key] = planned
                    return answer
                }
            }
            guard question.authorization == "Bearer \(state.token)" else { return Self.status(401, "Unauthorized") }
            let parts = question.path.split(separator: "/").map(String.init)
            guard 6...7 ~= parts.count, Self.groups[parts[5]] == parts[1], parts[0] == "apis",
                parts[2...4] == ["v1", "namespaces", Self.namespace]
            else { return .whole(status: 404, body: "404 page not found\n") }
            let kind = parts[5]
            let prefix = kind == "leases" ? "" : kind + "/"
            switch (question.method, parts.count == 7 ? prefix + parts[6] : nil) {
            case ("GET", let name?):
                guard let object = state.leases[name] else { return Self.status(404, "NotFound", kind: kind) }
                return .whole(status: 200, body: Self.text(object))
            case ("GET", nil): return Self.watch(question, state)
            case ("POST", nil): return Self.create(question, prefix, &state)
            case ("PUT", let name?): return Self.replace(name, question, &state)
            default: return Self.status(405, "MethodNotAllowed")
            }
        }
    }

    /// The lines of a lease behind a version.
    func events(of name: String, after version: Int) -> [(version: Int, line: String)] {
        state.withLock { state in
            state.events.filter { $0.name == name && $0.version > version }.map { ($0.version, $0.line) }
        }
    }

    var version: Int { state.withLock { $0.version } }

    private static func verb(_ question: Question) -> String {
        switch question.method {
        case "POST": "create"
        case "PUT": "update"
        default: question.query["watch"] == nil ? "get" : "watch"
        }
    }

    private static func watch(_ question: Question, _ state: State) -> Answer {
        let field = question.query["fieldSelector"] ?? ""
        guard field.hasPrefix("metadata.name=") else { return status(400, "BadRequest") }
        let name = String(field.dropFirst("metadata.name=".count))
        // Without a version the API server asks etcd for a confirmation that 3.4 cannot give.
        guard let version = question.query["resourceVersion"].flatMap({ Int($0) }) else {
            return status(500, "InternalError", "etcd cluster does not support progress notifications")
        }
        if version == 0 {
            return .watch(state.leases[name].map { [line("ADDED", $0)] } ?? [])
        }
        guard version >= state.forgotten else {
            return .watch([#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}"#])
        }
        return .watch(state.events.filter { $0.name == name && $0.version > version }.map(\.line))
    }

    private static func create(_ question: Question, _ prefix: String, _ state: inout State) -> Answer {
        guard let object = try? object(question.body), let last = metadata(object)["name"] as? String else {
            return status(400, "BadRequest")
        }
        let name = prefix + last
        guard state.leases[name] == nil else { return status(409, "AlreadyExists") }
        if let problem = problem(object) { return status(422, "Invalid", problem) }
        return .whole(status: 201, body: text(store(object, name, "ADDED", &state)))
    }

    private static func replace(_ name: String, _ question: Question, _ state: inout State) -> Answer {
        guard let object = try? object(question.body) else { return status(400, "BadRequest") }
        let uid = metadata(object)["uid"] as? String
        guard let known = state.leases[name] else {
            // A PUT makes what is not there, and looks at no version then: only at the identity.
            guard uid == nil else { return status(409, "Conflict", "Precondition failed: UID in precondition") }
            return .whole(status: 201, body: text(store(object, name, "ADDED", &state)))
        }
        guard uid == nil || uid == metadata(known)["uid"] as? String else { return status(409, "Conflict") }
        guard let version = metadata(object)["resourceVersion"] as? String else {
            return status(422, "Invalid", "metadata.resourceVersion: must be specified for an update")
        }
        guard version == metadata(known)["resourceVersion"] as? String else { return status(409, "Conflict") }
        if let problem = problem(object) { return status(422, "Invalid", problem) }
        return .whole(status: 200, body: text(store(object, name, "MODIFIED", &state)))
    }

    private static func version(of object: [String: any Sendable]) -> Int {
        (metadata(object)["resourceVersion"] as? String).flatMap { Int($0) } ?? 0
    }

    /// What the API server does not take.
    private static func problem(_ object: [String: any Sendable]) -> String? {
        guard let spec = object["spec"] as? [String: any Sendable] else { return nil }
        if let holder = spec["holderIdentity"] as? String, holder.isEmpty { return "spec.holderIdentity: empty" }
        if let duration = spec["leaseDurationSeconds"] {
            guard let number = duration as? Int, 1...Int(Int32.max) ~= number else {
                return "spec.leaseDurationSeconds: must be greater than 0"
            }
        }
        if let transitions = spec["leaseTransitions"] {
            guard let number = transitions as? Int, 0...Int(Int32.max) ~= number else {
                return "spec.leaseTransitions: must be greater than or equal to 0"
            }
        }
        for field in ["acquireTime", "renewTime"] {
            guard let time = spec[field] else { continue }
            guard let text = time as? String,
                text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil
            else { return "spec.\(field): not as 2006-01-02T15:04:05.000000Z" }
        }
        return nil
    }

    private static func store(
        _ object: [String: any Sendable], _ name: String, _ kind: String, _ state: inout State
    ) -> [String: any Sendable] {
        var object = object
        var metadata = metadata(object)
        state.version += 1
        metadata["name"] = name.split(separator: "/").last.map(String.init) ?? name
        metadata["namespace"] = namespace
        metadata["resourceVersion"] = "\(state.version)"
        let known = state.leases[name].map { Self.metadata($0)["uid"] as? String ?? "" }
        metadata["uid"] = known ?? "uid-\(state.version)"
        object["metadata"] = metadata
        let isNew = state.leases[name] == nil
        state.leases[name] = object
        tell(isNew ? "ADDED" : kind, object, name, &state)
        return object
    }

    private static func tell(
        _ kind: String, _ object: [String: any Sendable], _ name: String, _ state: inout State
    ) {
        var told = object
        var metadata = metadata(object)
        metadata["resourceVersion"] = "\(state.version)"
        told["metadata"] = metadata
        state.events.append((state.version, name, line(kind, told)))
    }

    private static func line(_ kind: String, _ object: [String: any Sendable]) -> String {
        #"{"type":"\#(kind)","object":\#(text(object))}"#
    }

    static func status(
        _ code: Int, _ reason: String, _ message: String = "scripted", kind: String = "leases"
    ) -> Answer {
        .whole(
            status: code,
            body: #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"\#(message)","#
                + #""reason":"\#(reason)","details":{"kind":"\#(kind)"},"code":\#(code)}"#)
    }

    private static func metadata(_ object: [String: any Sendable]) -> [String: any Sendable] {
        object["metadata"] as? [String: any Sendable] ?? [:]
    }

    private static func object(_ data: Data) throws -> [String: any Sendable] {
        guard let object = sendable(try JSONSerialization.jsonObject(with: data)) as? [String: any Sendable] else {
            throw NotYet(seen: "no object")
        }
        return object
    }

    /// JSON's values as Swift's own.
    private static func sendable(_ value: Any) -> any Sendable {
        switch value {
        case let object as [String: Any]: object.mapValues { sendable($0) } as [String: any Sendable]
        case let list as [Any]: list.map { sendable($0) } as [any Sendable]
        case let text as String: text
        // JSON's true is a number to Foundation, and 1 is true.
        case let number as NSNumber where unsafe String(cString: number.objCType) == "c": number.boolValue
        case let number as Int: number
        case let number as NSNumber: number.intValue
        default: ""
        }
    }

    private static func text(_ object: [String: any Sendable]) -> String {
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
