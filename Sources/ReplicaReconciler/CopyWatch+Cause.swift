import RedisCore

extension CopyWatch {
    /// Why copies fail, as far as the master says it.
    ///
    /// - Parameter master: the one server that is followed; `nil` where it is not known.
    func cause(local: ServerInformation, master: ServerInformation?) -> Cause {
        guard let master else { return failsBeforeFirstByte ? .beforeFirstByte : .unknown }
        // Valkey 9 has such fields in its own format alone, and writes an older one for older replicas.
        if master.keysWithExpiringItems > 0, master.valkeyMajor >= 9, local.valkeyMajor < 9 {
            return .expiringFields(keys: master.keysWithExpiringItems)
        }
        // What is emptied got bytes, and could not load them.
        guard failsBeforeFirstByte, local.replication.masterLink?.lostItsData != true else { return .unknown }
        return master.fields["rdb_last_bgsave_status"] == "err" ? .saveFails : .beforeFirstByte
    }
}

extension ServerInformation {
    /// 9 of Valkey 9.1; 0 where it is no Valkey.
    fileprivate var valkeyMajor: Int {
        fields["valkey_version"].flatMap { Int($0.prefix { $0 != "." }) } ?? 0
    }
}
