import Glibc
import Testing

@Suite("redis-replica-init as a process")
struct InitProgramTests {
    /// A way to fail, and the exit code it has.
    struct Failing: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: Int32
        var arguments: [String]?
        var environment: [String: String] = [:]
        var configuration = "bind 127.0.0.1\n"
        var server = "/bin/true"
    }

    @Test(
        "ends with the right code, one line with a cure, and the file as it was",
        arguments: [
            Failing(testDescription: "two files", code: 64, arguments: ["a.conf", "b.conf"]),
            Failing(testDescription: "a folder for a file", code: 74, arguments: ["etc"]),
            Failing(testDescription: "no such file", code: 78, arguments: ["none.conf"]),
            Failing(testDescription: "no master", code: 78, environment: ["REDIS_MASTER_SERVICE_HOST": ""]),
            Failing(testDescription: "a bad port", code: 78, environment: ["REDIS_PORT_NUMBER": "70000"]),
            Failing(testDescription: "an open quote", code: 78, configuration: "masterauth \"s3cr3t\n"),
            Failing(testDescription: "a secret and more", code: 78, configuration: "masterauth s3cr3t # mine\n"),
            Failing(testDescription: "no server", code: 127, environment: ["PATH": "/nowhere"]),
        ])
    func fails(_ failing: Failing) throws {
        var run = try InitRun(configuration: failing.configuration, server: failing.server)
        run.environment.merge(failing.environment) { $1 }
        let (ending, output) = try run.run(failing.arguments)
        #expect(ending == .exited(failing.code), "\(output)")
        #expect(output.split(separator: "\n").count == 1, "\(output)")
        #expect(output.hasPrefix("redis-replica-init: error: ") && output.contains(";"), "\(output)")
        #expect(!output.contains("s3cr3t"), "\(output)")
        #expect(try run.configuration == failing.configuration)
        #expect(run.scratch.names(in: "etc") == ["redis.conf"])
    }

    @Test("ends with 126 where the server is not for this machine")
    func cannotExecute() throws {
        let run = try InitRun()
        try run.scratch.write("bin/redis-server", "\u{7F}ELF nonsense".utf8, mode: 0o755)
        let (ending, output) = try run.run()
        #expect(ending == .exited(126) && output.contains("cannot execute"), "\(output)")
    }

    @Test("says who cannot write to the data folder, whose it is, and what helps")
    func dataFolder() throws {
        var run = try InitRun()
        run.scratch.makeFolder("data", mode: 0o555)
        try run.asServerUser()
        let (ending, output) = try run.run()
        #expect(ending == .exited(77), "\(output)")
        #expect(output.split(separator: "\n").count == 1)
        #expect(output.contains("cannot write to \(run.scratch["data"])"), "\(output)")
        #expect(output.contains("mode 0555, we are uid ") && output.contains("fsGroup"), "\(output)")
        #expect(try run.configuration == "bind 127.0.0.1\n")
    }

    @Test("writes what redis-server shall read, and hands arguments on untouched")
    func arguments() throws {
        let run = try InitRun(server: "#!/bin/sh\nprintf '<%s>' \"$@\"\n")
        let file = run.scratch["etc/redis.conf"]
        let (ending, output) = try run.run([file, "--", "--loglevel", "a b", "", "--x"])
        #expect(ending == .exited(0))
        #expect(output.hasSuffix("<\(file)><--loglevel><a b><><--x>"), "\(output)")
        #expect(
            try run.configuration == """
                bind 127.0.0.1
                port 26379
                replicaof 198.51.100.9 6379
                dir \(run.scratch["data"])

                """)
        #expect(run.scratch.names(in: "etc") == ["redis.conf"])
    }

    @Test("writes secrets only to the file, which no other user may read")
    func secrets() throws {
        var run = try InitRun(server: "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\"\ntr '\\0' ' ' </proc/$$/cmdline\n")
        try run.scratch.write("pass", "s3cr3t \"file\"\n".utf8)
        run.environment["REDIS_PASSWORD"] = "s3cr3t"
        run.environment["REDIS_MASTER_PASSWORD_FILE"] = run.scratch["pass"]
        let (ending, output) = try run.run()
        #expect(ending == .exited(0) && !output.contains("s3cr3t"), "\(output)")
        #expect(try run.configuration.contains("requirepass s3cr3t\nmasterauth \"s3cr3t \\\"file\\\"\"\n"))
        #expect(run.scratch.mode(of: "etc/redis.conf") == 0o600)
    }

    @Test("leaves no blocked or ignored signal to the server")
    func signals() throws {
        var run = try InitRun(server: "#!/bin/sh\nexec cat /proc/self/status\n")
        run.prefix = ["/usr/bin/env", "--ignore-signal=TERM,HUP,PIPE", "--block-signal=INT,TERM,USR1"]
        let (ending, output) = try run.run()
        #expect(ending == .exited(0))
        #expect(output.contains("SigBlk:\t0000000000000000\n"), "\(output)")
        // Signals 32 and 33 are glibc's own: its posix_spawn ignores them in the child, and no program can change them.
        let ignored = output.split(separator: "\n").first { $0.hasPrefix("SigIgn:\t") }?.dropFirst(8)
        let mask = try #require(ignored.flatMap { UInt64($0, radix: 16) }, "\(output)")
        #expect(mask & ~(3 << 31) == 0, "\(output)")
    }

    @Test("leaves no descriptor but the first three to the server")
    func descriptors() throws {
        let run = try InitRun(server: "#!/bin/sh\nexec ls -l /proc/self/fd\n")
        let leak = open(try run.scratch.write("leak", []), O_RDONLY)
        defer { close(leak) }
        let (ending, output) = try run.run()
        #expect(ending == .exited(0))
        #expect(output.contains(" 2 -> ") && !output.contains("leak"), "\(output)")
        // The first three, and the one ls reads the folder by.
        #expect(output.split(separator: "\n").count { $0.contains(" -> ") } == 4, "\(output)")
    }

    @Test("writes to /run/redis, else to a private folder, where the source's place takes nothing")
    func elsewhere() throws {
        let script = "#!/bin/sh\nprintf '%s ' \"$1\" && stat -c %a \"$1\" && cat \"$1\"\n"
        if geteuid() == 0 {
            let cases = [
                ("mount --bind etc etc && mount -o remount,ro,bind etc", "/run/redis/redis.conf 600"),
                ("mount --bind other etc/redis.conf", "/run/redis/redis.conf 600"),
                ("mount -o remount,ro /run && mount --bind other etc/redis.conf", "/tmp/redis-replica-init."),
            ]
            for (mounts, place) in cases {
                var run = try InitRun(server: script)
                try run.scratch.write("other", "bind 127.0.0.1\n".utf8, mode: 0o444)
                run.environment["REDIS_PASSWORD"] = "s3cr3t"
                // The init removes nothing it wrote: the private folder's case leaves the folder to us.
                run.prefix = [
                    "/usr/bin/unshare", "-m", "sh", "-c", "mount -t tmpfs none /run && \(mounts) && exec \"$0\" \"$@\"",
                ]
                let (ending, output) = try run.run()
                #expect(ending == .exited(0), "\(output)")
                #expect(output.contains("\n\(place)") || output.hasPrefix(place), "\(mounts): \(output)")
                #expect(output.contains("replicaof 198.51.100.9 6379\n"), "\(output)")
                #expect(try run.configuration == "bind 127.0.0.1\n", "\(mounts)")
                removePrivateFolder(named: output)
            }
        }
        var run = try InitRun(server: script)
        try run.asServerUser()
        run.environment["REDIS_DATA_DIR"] = run.scratch["own"]
        run.scratch.makeFolder("own", mode: 0o777)
        run.scratch.makeFolder("etc", mode: 0o555)
        let (ending, output) = try run.run()
        #expect(ending == .exited(0), "\(output)")
        #expect(output.contains("redis.conf 644\n") || output.contains("redis.conf 444\n"), "\(output)")
        #expect(!output.contains(run.scratch["etc/redis.conf"]) && output.contains("replicaof 198.51.100.9 6379\n"))
        removePrivateFolder(named: output)
    }

    private func removePrivateFolder(named output: String) {
        for word in output.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            guard word.hasPrefix("/tmp/redis-replica-init."), word.hasSuffix("/redis.conf") else { continue }
            unlink(String(word))
            rmdir(String(word.dropLast("/redis.conf".count)))
        }
    }

    @Test("becomes the redis user with its groups, for good; what was root's in the data folder is then its own")
    func privileges() throws {
        guard geteuid() == 0 else {
            // Without root the user stays the same.
            let run = try InitRun(server: "#!/bin/sh\nid -u\n")
            #expect(try run.run().output.hasSuffix("\(geteuid())\n"))
            return
        }
        let run = try InitRun(server: "#!/bin/sh\nid -un; id -Gn; umask; grep NoNewPrivs /proc/self/status\n")
        try run.scratch.write("data/appendonlydir/appendonly.aof.1.incr.aof", [])
        let (ending, output) = try run.run()
        #expect(ending == .exited(0), "\(output)")
        #expect(output.hasSuffix("redis\nredis\n0077\nNoNewPrivs:\t1\n"), "\(output)")
        for name in ["data", "data/appendonlydir", "data/appendonlydir/appendonly.aof.1.incr.aof", "etc/redis.conf"] {
            var information = stat()
            #expect(stat(run.scratch[name], &information) == 0)
            #expect(information.st_uid == getpwnam("redis")?.pointee.pw_uid, "\(name)")
        }
    }

    @Test("names nsswitch.conf where the resolver itself fails")
    func resolver() throws {
        try #require(geteuid() == 0, "this test needs root")
        var run = try InitRun()
        try run.scratch.write("nsswitch.conf", "hosts: no-such-source\n".utf8)
        run.environment.merge([
            "REDIS_REPLICATION_MODE": "master", "REDIS_SLAVE_NODES_HOST": "redis-slave-nodes",
            "REDIS_GUARD_TIMEOUT": "0",
        ]) { $1 }
        run.prefix = [
            "/usr/bin/unshare", "-m", "sh", "-c",
            "mount --bind '\(run.scratch["nsswitch.conf"])' /etc/nsswitch.conf && exec \"$0\" \"$@\"",
        ]
        let (ending, output) = try run.run()
        #expect(ending == .exited(75), "\(output)")
        #expect(
            output.contains("/etc/nsswitch.conf may name sources") && output.contains("hosts: files dns"), "\(output)")
    }
}
