import NIOCore
import RedisCore

/// What the answer to a write says of the server.
struct WriteReport {
    /// Names the server, as header lines.
    var servedBy: [UInt8]
    /// Of the master, right behind the write; `nil` where it could not be had.
    var token: ReplicationToken?
    /// Whether INFO has come as text, too.
    var hasText: Bool

    /// The head of an answer from the server.
    func head(_ status: ResponseStatus = .ok, _ contentType: ResponseHead.ContentType) -> ResponseHead {
        var head = ResponseHead(status: status, contentType: contentType)
        head.server = servedBy
        return head
    }
}

/// What is known of a write of one key that was applied.
struct AppliedWrite {
    /// Whether there was a value before; `nil` where that is not known.
    var existed: Bool?
    /// Of the value that was stored; `nil` for a deletion.
    var tag: KeyTag?
    /// Whether the client asked for acknowledgements of replicas.
    var isDemanding: Bool
    /// How many replicas have it; `nil` where that is not known.
    var acknowledged: Int64?

    /// 201 for a new key, else 204, with the token and what else the client asked for.
    func response(_ report: WriteReport) -> Response {
        var missing: [IncompleteAnswer] = []
        var head = report.head(.noContent, .bytes)
        if let tag {
            if existed == false { head.status = .created }
            if existed == nil { missing.append(.status) }
            head.tag = tag
        }
        if let token = report.token { head.add("Replication-Token", token.bytes) } else { missing.append(.token) }
        if isDemanding {
            if let acknowledged {
                head.add("Replicas-Acknowledged", "\(acknowledged)")
            } else {
                missing.append(.acknowledged)
            }
        }
        head.addIncomplete(missing)
        return Response(head, body: ByteBuffer())
    }
}

/// What the answer to an applied write may have to leave out.
enum IncompleteAnswer: String, CaseIterable {
    /// Whether there was a value before: 204 stands for both then.
    case status = "status"
    case acknowledged = "replicas-acknowledged"
    case token = "replication-token"
    /// The member of that name.
    case replication = "redis-replication"
}

extension ResponseHead {
    /// Says that the write is applied and the answer is not complete, since Redis did not answer a command beside the write.
    mutating func addIncomplete(_ missing: [IncompleteAnswer]) {
        guard !missing.isEmpty else { return }
        add("Answer-Incomplete", missing.map(\.rawValue).joined(separator: ", "))
    }
}
