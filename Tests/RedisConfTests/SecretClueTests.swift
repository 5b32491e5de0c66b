import RedisConf
import Testing

@Suite("A line that may hold a secret is known by its words")
struct SecretClueTests {
    private func entry(_ line: String) throws -> Document.Entry {
        try #require(Document(Array(line.utf8)).entries.first, "\(line)")
    }

    @Test(arguments: [
        "requirepass: S", "requirepass=S", "requirepass:S", "REQUIREPASS = S", "require-pass S", "require_pass S",
        "requirpass S", "requierpass S", "requirepas S", "requiredpass S", "require.pass S", "--requirepass S",
        "-requirepass S", "\"requirepass=S\"", "requirepassS", "pass S", "password S", "redis_password=S", "passwd S",
        "masterauth: S", "master-auth S", "masterath S", "mastreauth S", "master_auth=S", "primary-auth S", "auth S",
        "AUTH:S", "users bob on >S", "usr bob on >S", "uesr bob on >S", "user: bob on >S", "secret S", "pwd S",
        "tls-key-pass S", "tls_key_file_pass S", "auth-pass S", "token S", "authentication S", "masterauth\u{B}S",
        "primaryaut=S", "\"user bob on >\" S", "\"requirepass x\" S", "tls-client-key-file-pas: S",
        "tls-key-file-pas=S", "key S", "apikey S", "api-key=S", "api_key: S", "ACCESS_KEY S", "pass: S", "rootpw S",
        "client_credentials S", "bearer S", "pin S", "export REDIS_PASSWORD=S", "export API=S", "set requirepass S",
        "env API=S", "foo=S", "foo: S", "value: S", "- S", "$x S", "{ S", "redis://:S@host", "url redis://u:S@host",
        "config set requirepass S", "foo api_key=S", "foo >S", "redis-cli -a S", "replicaof redis://:S@host",
    ])
    func `a misspelled directive`(line: String) throws {
        let entry = try entry(line)
        #expect(entry.mayHoldSecret)
        let shown = String(decoding: Document(Array(line.utf8)).redacted(), as: UTF8.self)
        #expect(!shown.contains("S") || line.first == "R" && !shown.contains("= S"), "\(shown)")
    }

    @Test(arguments: [
        "maxmemory 1gb requirepass S", "port 6379 password S", "masteruser app S", "replicaof h 6379 S",
        "rename-command CONFIG S x", "port 6379 >S", "asteruser app S", "x masteruser app S", "x requirepass=S",
        "x tls-key-file-pass:S", "bgsave_cpulist 1 masterauth=S", "bind 127.0.0.1 requirepass S",
        "save 900 1masterauth S", "notify-keyspace-events KEA require-pass S",
    ])
    func `an argument too many`(line: String) throws {
        #expect(try entry(line).hasMisplacedSecret)
        #expect(!String(decoding: Document(Array(line.utf8)).redacted(), as: UTF8.self).contains("S"))
    }

    /// Every name of a real server that has such a word in it, and values that look like one.
    @Test(arguments: [
        "masteruser app", "primaryuser app", "tls-auth-clients no", "tls-auth-clients-user CN",
        "hide-user-data-from-log yes", "lazyfree-lazy-user-del yes", "lazyfree-lazy-user-flush no", "acllog-max-len 8",
        "aclfile /etc/passwords.acl", "logfile /var/log/auth.log", "dir /secrets/token",
        "include /run/requirepass.conf",
        "rename-command AUTH \"\"", "loadmodule /m.so", "save 900 1 300 10", "bind 127.0.0.1 auth",
        "replicaof redis-auth 6379", "client-output-buffer-limit normal 0 0 0", "maxmemory 1gb", "use-exit-on-panic no",
        "unixsocket /run/x", "maxclients 10", "repl-timeout 60", "stop-writes-on-bgsave-error yes",
        "busy-reply-threshold 1", "tls-key-file /k", "notify-keyspace-events KEA", "tracking-table-max-keys 10",
        "logfile redis://a@b",
    ])
    func `none in what servers know`(line: String) throws {
        #expect(try !entry(line).mayHoldSecret)
        #expect(Document(Array(line.utf8)).redacted() == Array(line.utf8))
    }

    @Test(arguments: [
        ("loadmodule /m.so PASSWORD S", "loadmodule /m.so ********"),
        ("  LOADMODULE \"/m.so\"  \"S\" x\r", "  LOADMODULE \"/m.so\"  ********\r"),
        ("rename-command CONFIG S", "rename-command CONFIG ********"), ("foo S", "foo ********"), ("S", "********"),
        ("search-timeout S", "search-timeout ********"), ("m.x S y", "m.x ********"),
        ("# rename-command CONFIG S", "# rename-command CONFIG ********"),
        ("# loadmodule /m.so S", "# loadmodule /m.so ********"),
        ("# loadmodule S is not read", "# loadmodule S is not read"), ("# foo S", "# foo S"),
        ("requirepass \"S", "requirepass ********"), ("\"requirepass\"S", "********"), ("\"S", "********"),
        ("# user's S", "# user's S"), ("", ""), ("requirepass \"\"", "requirepass \"\""),
    ])
    func `what a module is given, new names of commands, and unknown lines are not shown`(line: String, shown: String) {
        #expect(String(decoding: Document(Array(line.utf8)).redacted(), as: UTF8.self) == shown)
    }

    @Test func `comments are hidden only where they are no prose`() {
        func shown(_ line: String) -> String { String(decoding: Document(Array(line.utf8)).redacted(), as: UTF8.self) }
        #expect(shown("# requirepass=S") == "# requirepass=********")
        #expect(shown("#requirepass: S") == "#requirepass:********")
        #expect(shown("# masterauth S") == "# masterauth ********")
        #expect(shown("# requirepass is not needed here") == "# requirepass is not needed here")
        #expect(shown("# Passwords are hashed") == "# Passwords are hashed")
    }
}
