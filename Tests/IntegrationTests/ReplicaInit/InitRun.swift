import Glibc
import LocalTopology
import SystemPackage
import Testing

/// One start of redis-replica-init on a configuration in its own folder.
struct InitRun {
    let scratch: Scratch
    let program: String
    var environment: [String: String]
    /// What the init is started by: namespaces, signals, another user.
    var prefix: [String] = []

    /// - Parameters:
    ///   - configuration: the text of `etc/redis.conf`.
    ///   - server: the text of a script that stands for redis-server, or a program's path.
    init(configuration: String = "bind 127.0.0.1\n", server: String = "/bin/true") throws {
        scratch = try Scratch()
        program = try Programs.built("redis-replica-init").string
        try scratch.write("etc/redis.conf", configuration.utf8)
        try scratch.program("redis-server", server)
        scratch.makeFolder("data")
        environment = [
            "PATH": "\(scratch["bin"]):/usr/bin:/bin", "REDIS_DATA_DIR": scratch["data"],
            "REDIS_MASTER_SERVICE_HOST": "198.51.100.9", "ALLOW_EMPTY_PASSWORD": "yes", "REDIS_BIND": "127.0.0.1",
            "REDIS_PORT_NUMBER": "26379",
        ]
    }

    /// Another user for what follows, where we are root: the build may lie where only root may go, so the init is copied.
    mutating func asServerUser() throws {
        guard geteuid() == 0 else { return }
        try scratch.write("redis-replica-init", try Scratch.read(program), mode: 0o755)
        let account = try #require(getpwnam("redis"), "no user redis")
        for name in ["", "etc", "etc/redis.conf"] {
            chown(scratch[name], account.pointee.pw_uid, account.pointee.pw_gid)
        }
        prefix += ["/usr/bin/setpriv", "--reuid", "redis", "--regid", "redis", "--clear-groups"]
    }

    /// The init's own path, or that of its copy.
    private var executable: String {
        prefix.contains("--reuid") ? scratch["redis-replica-init"] : program
    }

    func start(_ arguments: [String]? = nil) throws -> Spawned {
        let words = prefix + [executable] + (arguments ?? [scratch["etc/redis.conf"]])
        return try Spawned(
            words[0], Array(words.dropFirst()), environment: environment, in: scratch.path, log: scratch["log"])
    }

    func run(_ arguments: [String]? = nil) throws -> (ending: Spawned.Ending, output: String) {
        let process = try start(arguments)
        return (process.ended(), process.output)
    }

    var configuration: String { get throws { String(decoding: try scratch.read("etc/redis.conf"), as: UTF8.self) } }
}
