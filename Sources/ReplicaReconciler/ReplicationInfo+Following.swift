import RedisCore

extension ReplicationInfo.MasterLink {
    var address: MasterAddress { MasterAddress(host: host, port: port) }
}

extension ReplicationInfo {
    /// Whom a server follows.
    var following: MasterRecord.Following { masterLink.map { .master($0.address) } ?? .nobody }
}
