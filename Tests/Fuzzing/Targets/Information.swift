import RedisCore
import ReplicaReconciler

/// The answers to INFO, with zero bytes between them.
func checkInfo(_ input: [UInt8]) throws(BrokenPromise) {
    if let info = ReplicationInfo(parsing: input.span) {
        try checkWords(of: info)
        _ = ReplicationToken(of: info)
        _ = info.masterLink?.hasBeenUp
        let again = ReplicationInfo(parsing: info.written.span)
        try require(again == info, "what was read is read again", "\(info) \(again.map { "\($0)" } ?? "nothing")")
    }
    let sections = parts(of: input, count: 1)
    _ = sections.map(ReplicationInfo.isLoading)
    _ = sections.map(ReplicationInfo.holdsKeys)
    _ = sections.map { Keyspace(parsing: $0)?.keys }
    guard let server = ServerInformation(parsing: sections) else { return }
    try checkWords(of: server.replication)
    _ = (server.keys, server.keysWithExpiringItems, server.isSevenOrNewer, server.copiedBytes, server.receivedBytes)
    try require(isPlain(server.version), "a version can be logged", server.version)
}

private func checkWords(of info: ReplicationInfo) throws(BrokenPromise) {
    var words =
        info.replicas.flatMap { [$0.address, $0.state] } + [info.replicationID, info.secondReplicationID ?? ""]
    if let link = info.masterLink { words.append(link.host) }
    for word in words { try require(isPlain(word), "a word of a server can be logged", word.debugDescription) }
    for port in info.replicas.map(\.port) + [info.masterLink?.port ?? 0] {
        try require(0...65535 ~= port, "a port is one", "\(port)")
    }
    try require(info.masterLink == nil || info.role == .replica, "a master has no link")
}

/// No longer than a log's line takes, and without control characters.
private func isPlain(_ word: String) -> Bool {
    word.utf8.count <= 300 && word.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }
}

extension ReplicationInfo {
    /// As a server would write it.
    fileprivate var written: [UInt8] {
        var lines = ["role:\(role == .master ? "master" : "slave")"]
        if let link = masterLink {
            lines += [
                "master_host:\(link.host)", "master_port:\(link.port)",
                "master_link_status:\(link.isUp ? "up" : "down")",
                "master_sync_in_progress:\(link.isSynchronising ? 1 : 0)", "slave_repl_offset:\(link.appliedOffset)",
            ]
            lines += link.downSeconds.map { ["master_link_down_since_seconds:\($0)"] } ?? []
            lines += link.receivedOffset.map { ["slave_read_repl_offset:\($0)"] } ?? []
            lines += link.silentSeconds.map { ["master_last_io_seconds_ago:\($0)"] } ?? []
        }
        lines += replicas.enumerated().map { index, replica in
            "slave\(index):ip=\(replica.address),port=\(replica.port),state=\(replica.state),offset=\(replica.offset),"
                + "lag=\(replica.lagSeconds)"
        }
        lines += [
            "master_replid:\(replicationID)", "master_repl_offset:\(offset)", "second_repl_offset:\(secondOffset)",
        ]
        lines += secondReplicationID.map { ["master_replid2:\($0)"] } ?? []
        return Array(lines.joined(separator: "\r\n").utf8)
    }
}
