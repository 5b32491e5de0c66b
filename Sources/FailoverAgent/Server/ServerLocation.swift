package import RedisClient

/// Where a redis-server is asked, and how a client logs in there.
package struct ServerLocation: Sendable {
    package enum Place: Equatable, Sendable {
        case unixSocket(String)
        /// A name or an address; a name is looked up again for every new connection.
        case host(String, port: Int)
    }

    package struct Login: Equatable, Sendable {
        package var user: [UInt8]?
        package var password: [UInt8]

        package init(user: [UInt8]? = nil, password: [UInt8]) {
            self.user = user
            self.password = password
        }

        var command: [[UInt8]] { [Array("AUTH".utf8)] + (user.map { [$0] } ?? []) + [password] }
    }

    package var place: Place
    /// The newest first: while a password is rotated there are two.
    package var logins: [Login]
    /// `nil`: it speaks no TLS.
    package var tls: RedisTLS?

    package init(_ place: Place, logins: [Login] = [], tls: RedisTLS? = nil) {
        self.place = place
        self.logins = logins
        self.tls = tls
    }
}

/// One node, as the others reach it.
package struct FailoverMember: Sendable {
    package var name: String
    /// What REPLICAOF names. The others' agents ask there, too.
    package var host: String
    package var port: Int

    package init(name: String, host: String, port: Int) {
        self.name = name
        self.host = host
        self.port = port
    }
}
