extension ReplicationInfo {
    /// Whether `INFO persistence` says that the server reads its data (`loading:1`) and refuses commands meanwhile.
    ///
    /// `async_loading` is not that: the old data is served, and `master_sync_in_progress` tells of it.
    public static func isLoading(_ persistence: [UInt8]) -> Bool {
        persistence.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            .contains { $0.elementsEqual("loading:1".utf8) }
    }

    /// Whether `INFO keyspace` lists a database: an empty one is not listed.
    public static func holdsKeys(_ keyspace: [UInt8]) -> Bool {
        keyspace.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }.contains { $0.starts(with: "db".utf8) }
    }
}
