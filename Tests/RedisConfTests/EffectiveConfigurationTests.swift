import RedisConf
import Testing

/// Files of a table; folders are what their paths say.
struct TableFiles: ConfigurationFiles {
    var table: [String: String]

    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        guard let found = table[text(path)] else { throw .missing }
        if found == "denied" { throw .denied }
        return bytes(found)
    }

    func names(inFolder path: [UInt8]) -> [[UInt8]] {
        let prefix = text(path) == "." ? "" : text(path) + (text(path).hasSuffix("/") ? "" : "/")
        return Set(
            table.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                $0.dropFirst(prefix.count).split(separator: "/").first
            }
        ).map { bytes(String($0)) }
    }

    func exists(_ path: [UInt8]) -> Bool {
        table.keys.contains { $0 == text(path) || $0.hasPrefix(text(path) + "/") }
    }
}

@Suite("Includes are followed as redis-server follows them")
struct EffectiveConfigurationTests {
    func read(_ main: String, _ table: [String: String] = [:], globs: Bool = true) -> EffectiveConfiguration {
        EffectiveConfiguration(
            Document(bytes(main)), path: bytes("/etc/redis.conf"), folder: bytes("/start"), expandsGlobs: globs,
            files: TableFiles(table: table))
    }

    @Test(
        "the last port read wins",
        arguments: [
            ("port 1\nport 2\n", [:], "2"),
            ("include /a\nport 2\n", ["/a": "port 1\n"], "2"),
            ("port 2\ninclude /a\n", ["/a": "port 1\n"], "1"),
            ("include a\n", ["/start/a": "port 1\n"], "1"),
            ("dir /d\ninclude a\n", ["/d/a": "port 3\n", "/start/a": "port 1\n"], "3"),
            ("dir d\ndir e\ninclude a\n", ["/start/d/e/a": "port 4\n"], "4"),
            ("include /a\ninclude b\n", ["/a": "dir /d\n", "/d/b": "port 5\n"], "5"),
            ("include /c/*.conf\n", ["/c/1.conf": "port 1\n", "/c/2.conf": "port 2\n", "/c/.3.conf": "port 3\n"], "2"),
            ("dir /c\ninclude [ab]?.conf\n", ["/c/a1.conf": "port 1\n", "/c/c1.conf": "port 2\n"], "1"),
            ("include /*/x/?.conf\n", ["/m/x/1.conf": "port 1\n", "/n/y/2.conf": "port 2\n"], "1"),
            ("INCLUDE \"/a b\"\n", ["/a b": "port 6\n"], "6"),
        ] as [(String, [String: String], String)])
    func lastWins(main: String, table: [String: String], port: String) {
        let configuration = read(main, table)
        #expect(configuration.faults.isEmpty)
        #expect(configuration.last("port")?.entry.values.map(text) == [port])
    }

    @Test(
        "what cannot be read is a fault at the include's place",
        arguments: [
            ("port 1\n include /a\n", [:], Fault.unreadableInclude(path: bytes("/a"), .missing), 2, 2),
            ("include /a\n", ["/a": "denied"], .unreadableInclude(path: bytes("/a"), .denied), 1, 1),
            ("include\n", [:], .includeWithoutPath, 1, 1),
            ("include /a b\n", [:], .includeWithoutPath, 1, 1),
            ("include /etc/redis.conf\n", [:], .includeCycle(path: bytes("/etc/redis.conf")), 1, 1),
        ] as [(String, [String: String], Fault, Int, Int)])
    func faults(main: String, table: [String: String], fault: Fault, line: Int, column: Int) {
        let found = read(main, table).faults
        #expect(found.map(\.fault) == [fault])
        #expect(found.first?.position == Position(line: line, column: column))
        #expect(found.first?.file == bytes("/etc/redis.conf"))
    }

    @Test("a cycle through another file ends, and is reported in the file that closes it")
    func cycle() {
        let found = read("include /a\n", ["/a": "\ninclude /a\n"]).faults
        #expect(
            found == [
                .init(file: bytes("/a"), position: .init(line: 2, column: 1), fault: .includeCycle(path: bytes("/a")))
            ])
    }

    @Test("a pattern that matches nothing is no fault from 7.0, and a missing file before")
    func globsByVersion() {
        #expect(read("include /c/*.conf\n").faults.isEmpty)
        #expect(
            read("include /c/*.conf\n", globs: false).faults.map(\.fault)
                == [.unreadableInclude(path: bytes("/c/*.conf"), .missing)])
    }

    @Test("the files of a pattern are one text: a last line without a newline takes the next file's first line with it")
    func joinedFiles() throws {
        let table = [
            "/c/1.conf": "port 1\nmasterauth a", "/c/2.conf": "", "/c/3.conf": "requirepass b\n\ntimeout 3\n# end",
            "/c/4.conf": "hz 5", "/c/5.conf": "\nmaxclients 7\nport 2 ", "/c/6.conf": "\n", "/c/7.conf": "port 3",
        ]
        let configuration = read("include /c/*.conf\n", table)
        #expect(configuration.last("requirepass") == nil && configuration.last("hz") == nil)
        #expect(configuration.last("masterauth")?.entry.values.map(text) == ["arequirepass", "b"])
        let timeout = try #require(configuration.last("timeout"))
        #expect(text(configuration.files[timeout.file].path) == "/c/3.conf")
        #expect(timeout.entry.position == Position(line: 3, column: 1))
        #expect(configuration.last("maxclients")?.entry.position.line == 2)
        #expect(configuration.last("port")?.entry.values.map(text) == ["3"])
        #expect(
            configuration.joinedLines == [
                .init(file: bytes("/c/1.conf"), position: .init(line: 2, column: 1), next: bytes("/c/3.conf")),
                .init(file: bytes("/c/3.conf"), position: .init(line: 4, column: 1), next: bytes("/c/4.conf")),
            ])
        // Each file by itself is read to its end.
        let apart = read("include /c/1.conf\ninclude /c/3.conf\n", table)
        #expect(apart.joinedLines.isEmpty && apart.last("requirepass") != nil)
    }

    @Test("a relative include behind a dir is noticed, an absolute one is not")
    func relative() {
        #expect(read("dir /d\ninclude a\n", ["/d/a": ""]).directoryMustStay)
        #expect(!read("include a\ndir /d\n", ["/start/a": ""]).directoryMustStay)
        #expect(!read("dir /d\ninclude /a\n", ["/a": ""]).directoryMustStay)
    }

    @Test("a setting knows the file it stands in")
    func origin() throws {
        let configuration = read("include /a\n", ["/a": "\n slaveof h 1\n"])
        let setting = try #require(configuration.last("replicaof"))
        #expect(text(configuration.files[setting.file].path) == "/a")
        #expect(setting.entry.position == Position(line: 2, column: 2))
    }
}
