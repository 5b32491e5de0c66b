/// An Event of `events.k8s.io`, as it is created (kubernetes/api `events/v1/types.go`).
struct KubernetesEventObject: KubernetesObject, Equatable {
    static let resource = KubernetesResource.events

    var apiVersion: String?
    var kind: String?
    var metadata: KubernetesMetadata
    var eventTime: String?
    var reportingController: String?
    var reportingInstance: String?
    var action: String?
    var reason: String?
    var regarding: Subject?
    var note: String?
    var type: String?

    struct Subject: Codable, Equatable, Sendable {
        var apiVersion: String
        var kind: String
        var namespace: String
        var name: String
        var uid: String
    }

    /// - Parameters:
    ///   - number: no other event of this pod has it.
    ///   - time: as ``MicroTime`` writes it.
    init(_ event: OperatorEvent, settings: KubernetesEventsSettings, number: UInt64, time: String) {
        apiVersion = "events.k8s.io/v1"
        kind = "Event"
        metadata = KubernetesMetadata()
        // A name has 253 characters, and a number at most 16.
        metadata.name = "\(settings.pod.prefix(230)).\(String(number, radix: 16))"
        metadata.namespace = settings.kubernetes.namespace
        metadata.labels = ["app.kubernetes.io/part-of": "redis-replica-kit"]
        eventTime = time
        reportingController = "redis-replica-kit/agent"
        reportingInstance = String(settings.pod.prefix(128))
        action = event.reason.action
        reason = event.reason.rawValue
        regarding = Subject(
            apiVersion: "v1", kind: "Pod", namespace: settings.kubernetes.namespace, name: settings.pod,
            uid: settings.podUID)
        note = event.note.utf8Prefix(1024)
        type = event.reason.isWarning ? "Warning" : "Normal"
    }
}

extension OperatorEvent.Reason {
    /// What the agent did, or would have done.
    fileprivate var action: String {
        switch self {
        case .leads: "Promote"
        case .fenced: "Fence"
        case .handedOver: "HandOver"
        case .blocked: "Promote"
        case .keptRollback, .notKept: "Follow"
        }
    }

    fileprivate var isWarning: Bool {
        switch self {
        case .leads, .handedOver: false
        case .fenced, .blocked, .keptRollback, .notKept: true
        }
    }
}

extension String {
    /// At most so many bytes, and no part of a character.
    fileprivate func utf8Prefix(_ limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var text = ""
        var count = 0
        for character in self {
            count += character.utf8.count
            guard count <= limit - 3 else { break }
            text.append(character)
        }
        return text + "…"
    }
}
