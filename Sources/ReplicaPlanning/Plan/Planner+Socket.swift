import RedisConf

extension Planner {
    /// A Unix socket for the probes of a server that speaks nothing but TLS, where there is a folder for it.
    ///
    /// Behind the privileges: the folder has to be writable for whom the server will be.
    mutating func decideSocket() {
        guard scalar("port").flatMap(number) == 0, let tls = scalar("tls-port").flatMap(number), tls > 0,
            scalar("unixsocket").map(\.isEmpty) ?? true
        else { return }
        let folder = utf8("/run/redis")
        var account: Account?
        if case .drop(let user) = privileges { account = user }
        guard files.canWrite(inFolder: folder, as: account) else {
            report(.note, .probesCannotAsk)
            return
        }
        set("unixsocket", to: [folder + utf8("/redis.sock")], from: .preset)
        if value("unixsocketperm") == nil { set("unixsocketperm", to: [utf8("700")], from: .preset) }
    }
}
