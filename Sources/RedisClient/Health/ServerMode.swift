/// What a server says it is, by `redis_mode` of `INFO server` (`server_mode` of Valkey's newer ones is the same word).
enum ServerMode: Equatable {
    case standalone, sentinel, cluster

    /// - Parameter text: the answer to `INFO server`.
    /// - Returns: `nil` where it says nothing of its mode, or a word that is not known.
    init?(in text: Span<UInt8>) {
        if text.contains("_mode:sentinel") {
            self = .sentinel
        } else if text.contains("_mode:cluster") {
            self = .cluster
        } else if text.contains("_mode:standalone") {
            self = .standalone
        } else {
            return nil
        }
    }

    /// Why such a server cannot be used, in words for an operator; `nil` where it can.
    ///
    /// - Parameter tellsRole: whether it says which role it has: a proxy that makes up INFO does not.
    func words(tellsRole: Bool) -> String? {
        switch self {
        case .standalone: nil
        case .sentinel:
            "is a Sentinel, not a server with data: set the host and the port of the redis-server (6379, not 26379)"
        case .cluster where tellsRole:
            "is in cluster mode, where each server has only some of the keys: use one with cluster-enabled no"
        case .cluster:
            "is a proxy that makes up its answer to INFO, such as Envoy: set the address of the redis-server behind it"
        }
    }
}
