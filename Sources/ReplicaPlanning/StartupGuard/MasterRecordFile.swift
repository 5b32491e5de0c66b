/// Where the sidecar writes whom the replica follows, and the init reads it.
public enum MasterRecordFile {
    /// `REDIS_MASTER_RECORD_FILE`, else a file in the folder that both containers of a pod share.
    public static func path(_ environment: Environment) -> [UInt8] {
        environment["REDIS_MASTER_RECORD_FILE"] ?? utf8("/run/redis/master-record")
    }
}
