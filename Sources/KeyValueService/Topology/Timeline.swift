/// What has happened to the servers since the process began: the last hundred things.
struct Timeline: Equatable, Sendable {
    static let capacity = 100

    enum Kind: String, Equatable, Sendable {
        case started
        /// A server went away.
        case lost
        case writesRefused = "writes_refused"
        case readsRefused = "reads_refused"
        /// Another server is the master now.
        case promotion
        /// No node leads, or takes writes, where the leader is found among all nodes.
        case leaderLost = "leader_lost"
        /// A node has begun to take writes.
        case leader
        case strayMaster = "stray_master"
        /// A server has another role than before.
        case role
        /// A replica gets a full copy.
        case resync
    }

    struct Entry: Equatable, Sendable {
        let id: Int
        let at: WallTime
        let kind: Kind
        /// `host:port`; `nil` where it concerns no single server.
        let endpoint: String?
        let text: String
        /// `nil` while it lasts, and for what has no duration.
        var endedAt: WallTime?
    }

    /// The oldest first.
    private(set) var entries: [Entry] = []
    /// Those that are new or have ended since ``takeChanges()``.
    private var changed: Set<Int> = []
    private var lastID = 0

    /// Notes something that has no duration.
    mutating func note(_ kind: Kind, of endpoint: String? = nil, _ text: String, at now: WallTime) {
        lastID += 1
        entries.append(Entry(id: lastID, at: now, kind: kind, endpoint: endpoint, text: text, endedAt: nil))
        changed.insert(lastID)
        if entries.count > Self.capacity { changed.remove(entries.removeFirst().id) }
    }

    /// Notes that something begins, unless it lasts already.
    mutating func begin(_ kind: Kind, of endpoint: String? = nil, _ text: String, at now: WallTime) {
        if index(kind, endpoint) == nil { note(kind, of: endpoint, text, at: now) }
    }

    mutating func end(_ kind: Kind, of endpoint: String? = nil, at now: WallTime) {
        guard let place = index(kind, endpoint) else { return }
        entries[place].endedAt = now
        changed.insert(entries[place].id)
    }

    /// What is new for a client that got everything before.
    mutating func takeChanges() -> [Entry] {
        defer { changed.removeAll() }
        return changed.isEmpty ? [] : entries.filter { changed.contains($0.id) }
    }

    private func index(_ kind: Kind, _ endpoint: String?) -> Int? {
        entries.lastIndex { $0.kind == kind && $0.endpoint == endpoint && $0.endedAt == nil }
    }
}
