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
        goodReplicas = role == .master ? fields.goodReplicas : nil
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
    var goodReplicas: Int64?

    /// More than any master feeds; what a server lists beyond is left out.
    private static let maximumReplicas = 4096

    mutating func take(line: Span<UInt8>) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = String(copying: line.extracting(0..<colon))
        let value = String(copying: line.extracting(colon + 1..<line.count))
        switch name {
        case "role": role = value == "master" ? .master : value == "slave" ? .replica : nil
        case "master_host": masterLink.host = ReplicationInfo.word(value)
        case "master_port": masterLink.port = ReplicationInfo.port(value) ?? 0
        case "master_link_status": masterLink.isUp = value == "up"
        case "master_sync_in_progress": masterLink.isSynchronising = value == "1"
        case "master_link_down_since_seconds": masterLink.downSeconds = Int64(value)
        case "slave_repl_offset": masterLink.appliedOffset = Int64(value) ?? 0
        case "slave_read_repl_offset": masterLink.receivedOffset = Int64(value)
        case "master_last_io_seconds_ago": masterLink.silentSeconds = Int64(value).flatMap { $0 < 0 ? nil : $0 }
        case "master_replid": replicationID = ReplicationInfo.word(value)
        case "master_replid2":
            let isNone = value.utf8.allSatisfy { $0 == UInt8(ascii: "0") }
            secondReplicationID = isNone ? nil : ReplicationInfo.word(value)
        case "master_repl_offset": offset = Int64(value) ?? 0
        case "second_repl_offset": secondOffset = Int64(value) ?? -1
        case "min_slaves_good_slaves": goodReplicas = Int64(value)
        default:
            if replicas.count < Self.maximumReplicas, name.hasPrefix("slave"),
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
        var offset: Int64? = 0
        var lag: Int64? = 0
        for pair in value.split(separator: ",") {
            guard let equals = pair.firstIndex(of: "=") else { continue }
            let text = String(pair[pair.index(after: equals)...])
            switch pair[..<equals] {
            case "ip": address = ReplicationInfo.word(text)
            case "port": port = ReplicationInfo.port(text)
            case "state": state = ReplicationInfo.word(text)
            case "offset": offset = Int64(text)
            case "lag": lag = Int64(text)
            default: break
            }
        }
        // A line is taken whole or not at all.
        guard let address, let port, let offset, let lag else { return nil }
        self.init(address: address, port: port, state: state, offset: offset, lagSeconds: lag)
    }
}

extension ReplicationInfo {
    /// A name or an address, as a log can hold it: what is no visible character, or is longer than any, is escaped and cut.
    static func word(_ text: String) -> String {
        let isPlain = text.utf8.count <= 255 && text.unicodeScalars.allSatisfy { isVisible($0) }
        return isPlain ? text : printable(text.utf8)
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x21...0x7E: true
        case ..<0xA1: false
        default: !scalar.properties.isBidiControl && !scalar.properties.isWhitespace && scalar != "\u{FFFD}"
        }
    }

    /// 0 where a server does not know it.
    static func port(_ text: String) -> Int? { Int(text).flatMap { 0...65535 ~= $0 ? $0 : nil } }
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
