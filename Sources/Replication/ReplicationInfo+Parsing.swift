extension ReplicationInfo {
    /// Reads the answer to `INFO replication`.
    ///
    /// - Parameter text: the bulk reply's bytes: `name:value` lines that end in CRLF (a bare LF is read as well).
    /// - Returns: `nil` where no `role` line is found, which is all that every version is sure to send.
    public init?(parsing text: Span<UInt8>) {
        var fields = Fields()
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: "\n") { end += 1 }
            var last = end
            if last > start, text[last - 1] == UInt8(ascii: "\r") { last -= 1 }
            fields.take(line: text.extracting(start..<last))
            start = end + 1
        }
        guard let role = fields.role else { return nil }
        self.init(
            role: role, masterLink: role == .replica ? fields.masterLink : nil, replicas: fields.replicas,
            replicationID: fields.replicationID, secondReplicationID: fields.secondReplicationID, offset: fields.offset,
            secondOffset: fields.secondOffset)
    }
}

/// The lines seen so far. Order is the server's business; the last of a name wins.
private struct Fields {
    var role: ReplicationInfo.Role?
    var masterLink = ReplicationInfo.MasterLink(host: "", port: 0, isUp: false)
    var replicas: [ReplicationInfo.AttachedReplica] = []
    var replicationID = ""
    var secondReplicationID: String?
    var offset: Int64 = 0
    var secondOffset: Int64 = -1

    mutating func take(line: Span<UInt8>) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = String(copying: line.extracting(0..<colon))
        let value = String(copying: line.extracting(colon + 1..<line.count))
        switch name {
        case "role": role = value == "master" ? .master : value == "slave" ? .replica : nil
        case "master_host": masterLink.host = value
        case "master_port": masterLink.port = Int(value) ?? 0
        case "master_link_status": masterLink.isUp = value == "up"
        case "master_sync_in_progress": masterLink.isSynchronising = value == "1"
        case "master_link_down_since_seconds": masterLink.downSeconds = Int64(value)
        case "slave_repl_offset": masterLink.appliedOffset = Int64(value) ?? 0
        case "slave_read_repl_offset": masterLink.receivedOffset = Int64(value)
        case "master_last_io_seconds_ago": masterLink.silentSeconds = Int64(value).flatMap { $0 < 0 ? nil : $0 }
        case "master_replid": replicationID = value
        case "master_replid2": secondReplicationID = value.utf8.allSatisfy { $0 == UInt8(ascii: "0") } ? nil : value
        case "master_repl_offset": offset = Int64(value) ?? 0
        case "second_repl_offset": secondOffset = Int64(value) ?? -1
        default:
            if name.hasPrefix("slave"),
                name.dropFirst(5).utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
                let replica = ReplicationInfo.AttachedReplica(parsing: value)
            {
                replicas.append(replica)
            }
        }
    }
}

extension ReplicationInfo.AttachedReplica {
    /// Reads `ip=10.1.37.13,port=6379,state=online,offset=42,lag=0`. IPv6 addresses contain colons, never commas.
    fileprivate init?(parsing value: String) {
        var address: String?
        var port: Int?
        var state = ""
        var offset: Int64 = 0
        var lag: Int64 = 0
        for pair in value.split(separator: ",") {
            guard let equals = pair.firstIndex(of: "=") else { continue }
            let text = String(pair[pair.index(after: equals)...])
            switch pair[..<equals] {
            case "ip": address = text
            case "port": port = Int(text)
            case "state": state = text
            case "offset": offset = Int64(text) ?? 0
            case "lag": lag = Int64(text) ?? 0
            default: break
            }
        }
        guard let address, let port else { return nil }
        self.init(address: address, port: port, state: state, offset: offset, lagSeconds: lag)
    }
}

extension Span<UInt8> {
    fileprivate func firstIndex(of byte: UInt8) -> Int? {
        for index in indices where self[index] == byte { return index }
        return nil
    }
}

extension String {
    /// INFO is ASCII but for names that an operator chose; what is not UTF-8 there is repaired, never fatal.
    fileprivate init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { buffer in unsafe String(decoding: buffer, as: UTF8.self) }
    }
}
