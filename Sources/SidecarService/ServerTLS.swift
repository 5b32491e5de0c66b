import RedisClient
import ReplicaInit
import SystemFiles

/// How this process speaks TLS to the servers: as they do among each other.
enum ServerTLS {
    /// - Returns: `nil` where the servers speak none.
    static func context(of target: SidecarTarget) throws -> RedisTLS? {
        guard let files = target.tls, let authorities = files.authorities else { return nil }
        var identity: (certificates: [UInt8], key: [UInt8])?
        if let certificate = files.certificate, let key = files.key {
            identity = (try read(certificate), try read(key))
        }
        // Redis checks the authority and no name when it dials its master (redis/redis `src/tls.c`), and an address is what
        // the sidecar knows of the local server.
        return try RedisTLS(authorities: try read(authorities), identity: identity, verification: .authority)
    }

    private static func read(_ path: [UInt8]) throws -> [UInt8] {
        try SmallFile.read(String(decoding: path, as: UTF8.self))
    }
}
