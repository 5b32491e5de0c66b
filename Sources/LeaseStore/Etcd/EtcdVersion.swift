/// Which state of the key: etcd's revision of its last change and of its creation.
struct EtcdVersion: Equatable {
    var modified: Int64
    var created: Int64

    init(modified: Int64, created: Int64) {
        self.modified = modified
        self.created = created
    }

    /// As ``text`` is; `nil` for another store's version.
    init?(text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let modified = parts[0], let created = parts[1] else { return nil }
        self.init(modified: modified, created: created)
    }

    var text: String { "\(modified)/\(created)" }
}
