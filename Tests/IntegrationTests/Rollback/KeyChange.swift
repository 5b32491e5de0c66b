/// Data of one key, and a change of it. `@` stands for the key's name.
struct KeyChange: Sendable {
    let name: String
    let data: [[String]]
    let change: [[String]]
    var state = "differs"
    /// The first version of Redis that knows these commands; Valkey's by what it has from Redis.
    var since = (major: 6, minor: 0)
    var needsFieldExpiry = false
    var database = 0

    private static let long = String(repeating: "0123456789abcdef", count: 20_000)
    private static let numbers = (1...3000).map { "\($0)" }
    private static let many = (1...700).map { "member-\($0)" }
    private static let pairs = many.flatMap { [$0, "value of \($0)"] }
    private static let scores = many.enumerated().flatMap { ["\($0.offset).25", $0.element] }
    private static let entries: [[String]] = (1...250).map {
        ["XADD", "@", "\($0)-1", "a", "\($0)", "b", "text \($0)"]
    }
    private static let group: [[String]] =
        entries + [
            ["XGROUP", "CREATE", "@", "group", "0"],
            ["XREADGROUP", "GROUP", "group", "one", "COUNT", "5", "STREAMS", "@", ">"],
            ["XREADGROUP", "GROUP", "group", "two", "COUNT", "5", "STREAMS", "@", ">"],
        ]
    private static let far = "4102444800000"

    static let all: [KeyChange] = [
        .init(name: "text", data: [["SET", "@", "hello"]], change: [["SET", "@", "hellp"]]),
        .init(name: "longer text", data: [["SET", "@", "hello"]], change: [["APPEND", "@", "!"]]),
        .init(name: "shorter text", data: [["SET", "@", "hello"]], change: [["SET", "@", "hell"]]),
        .init(name: "empty text", data: [["SET", "@", ""]], change: [["SET", "@", "x"]]),
        .init(name: "number", data: [["SET", "@", "12345"]], change: [["INCR", "@"]]),
        .init(name: "gone", data: [["SET", "@", "x"]], change: [["DEL", "@"]], state: "missing"),
        .init(
            name: "another type", data: [["SET", "@", "x"]], change: [["DEL", "@"], ["RPUSH", "@", "x"]]),
        .init(name: "long text, its end", data: [["SET", "@", long]], change: [["SETRANGE", "@", "319999", "x"]]),
        .init(name: "long text, its middle", data: [["SET", "@", long]], change: [["SETRANGE", "@", "131072", "x"]]),
        .init(name: "long text, longer", data: [["SET", "@", long]], change: [["APPEND", "@", "x"]]),
        .init(name: "time added", data: [["SET", "@", "x"]], change: [["PEXPIREAT", "@", far]]),
        .init(
            name: "time taken away", data: [["SET", "@", "x"], ["PEXPIREAT", "@", far]], change: [["PERSIST", "@"]]),
        .init(
            name: "another time", data: [["RPUSH", "@", "x"], ["PEXPIREAT", "@", far]],
            change: [["PEXPIREAT", "@", "4102444860000"]]),
        .init(name: "list element", data: [["RPUSH", "@", "a", "b", "c"]], change: [["LSET", "@", "1", "x"]]),
        .init(name: "longer list", data: [["RPUSH", "@", "a", "b", "c"]], change: [["RPUSH", "@", "d"]]),
        .init(name: "shorter list", data: [["RPUSH", "@", "a", "b", "c"]], change: [["RPOP", "@"]]),
        .init(
            name: "order of a list", data: [["RPUSH", "@", "a", "b", "c"]],
            change: [["LPOP", "@"], ["RPUSH", "@", "a"]]
        ),
        .init(name: "long list", data: [["RPUSH", "@"] + numbers], change: [["LSET", "@", "2222", "x"]]),
        .init(
            name: "list with a large element", data: [["RPUSH", "@", long, "b"]],
            change: [["LSET", "@", "0", long + "x"]]),
        .init(name: "set", data: [["SADD", "@", "a", "b"]], change: [["SREM", "@", "a"], ["SADD", "@", "x"]]),
        .init(name: "larger set", data: [["SADD", "@", "a", "b"]], change: [["SADD", "@", "c"]]),
        .init(name: "set of numbers", data: [["SADD", "@", "1", "70000", "-5"]], change: [["SREM", "@", "-5"]]),
        .init(
            name: "large set", data: [["SADD", "@"] + many],
            change: [["SREM", "@", "member-333"], ["SADD", "@", "x"]]),
        .init(
            name: "score", data: [["ZADD", "@", "0.1", "a", "-inf", "b"]],
            change: [["ZADD", "@", "0.1000000000000001", "a"]]),
        .init(
            name: "member", data: [["ZADD", "@", "1", "a"]], change: [["ZREM", "@", "a"], ["ZADD", "@", "1", "b"]]),
        .init(name: "large zset", data: [["ZADD", "@"] + scores], change: [["ZINCRBY", "@", "1", "member-600"]]),
        .init(name: "larger zset", data: [["ZADD", "@"] + scores], change: [["ZADD", "@", "1", "x"]]),
        .init(name: "field", data: [["HSET", "@", "f", "v", "n", "5"]], change: [["HSET", "@", "n", "6"]]),
        .init(
            name: "field's name", data: [["HSET", "@", "f", "v"]],
            change: [["HDEL", "@", "f"], ["HSET", "@", "g", "v"]]
        ),
        .init(name: "more fields", data: [["HSET", "@", "f", "v"]], change: [["HSET", "@", "g", "v"]]),
        .init(name: "large hash", data: [["HSET", "@"] + pairs], change: [["HSET", "@", "member-555", "x"]]),
        .init(
            name: "hash with a large field", data: [["HSET", "@", "f", long]], change: [["HSET", "@", "f", long + "x"]]),
        .init(name: "entry added", data: entries, change: [["XADD", "@", "300-1", "a", "b"]]),
        .init(name: "entry removed", data: entries, change: [["XDEL", "@", "100-1"]]),
        .init(
            name: "entry replaced", data: entries,
            change: [["XDEL", "@", "250-1"], ["XADD", "@", "251-1", "a", "250"]]),
        .init(name: "last entry's name", data: entries, change: [["XSETID", "@", "900-0"]]),
        .init(name: "entry done", data: group, change: [["XACK", "@", "group", "2-1"]]),
        .init(
            name: "entry delivered", data: group,
            change: [["XREADGROUP", "GROUP", "group", "one", "STREAMS", "@", ">"]]),
        .init(name: "entry claimed", data: group, change: [["XCLAIM", "@", "group", "two", "0", "2-1"]]),
        .init(name: "group set", data: group, change: [["XGROUP", "SETID", "@", "group", "7-1"]]),
        .init(name: "group added", data: group, change: [["XGROUP", "CREATE", "@", "other", "0"]]),
        .init(name: "group removed", data: group, change: [["XGROUP", "DESTROY", "@", "group"]]),
        .init(
            name: "time of a field",
            data: [["HSET", "@", "f", "v", "g", "w"], ["HPEXPIREAT", "@", far, "FIELDS", "1", "f"]],
            change: [["HPERSIST", "@", "FIELDS", "1", "f"]], needsFieldExpiry: true),
        .init(
            name: "another time of a field",
            data: [["HSET", "@"] + pairs, ["HPEXPIREAT", "@", far, "FIELDS", "1", "member-7"]],
            change: [["HPEXPIREAT", "@", "4102444860000", "FIELDS", "1", "member-7"]], needsFieldExpiry: true),
        .init(
            name: "time of a field, added", data: [["HSET", "@", "f", "v"]],
            change: [["HPEXPIREAT", "@", far, "FIELDS", "1", "f"]], needsFieldExpiry: true),
        .init(name: "in another database", data: [["SET", "@", "x"]], change: [["SET", "@", "y"]], database: 3),
        .init(
            name: "in the last database", data: [["SET", "@", "x"]], change: [["DEL", "@"]], state: "missing",
            database: 15),
        .init(name: "clé, 键, ключ", data: [["SET", "@", "значение"]], change: [["SET", "@", "другое"]]),
    ]

    /// The commands with a name in the place of `@`.
    static func commands(_ commands: [[String]], for name: String) -> [[[UInt8]]] {
        commands.map { $0.map { Array(($0 == "@" ? name : $0).utf8) } }
    }
}
