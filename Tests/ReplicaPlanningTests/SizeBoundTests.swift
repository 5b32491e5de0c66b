import RedisConf
import ReplicaPlanning
import Testing

@Suite("Files that are too large are refused")
struct SizeBoundTests {
    private static let words = String(repeating: "a b # c\n", count: 25_001)

    @Test("a configuration has a bound of bytes and of words")
    func mainFile() throws {
        let long = String(repeating: "#", count: ConfigurationBounds.maximumBytes + 1)
        for (text, bound) in [(long, "4 MiB"), (Self.words, "100000 words")] {
            let found = Start(file: text).diagnostics()
            #expect(PlanError.refused(found).exitCode == 74)
            #expect(
                found.map(\.description) == [
                    "error: /etc/redis/redis.conf cannot be read: it is larger than \(bound); shorten it, or name the "
                        + "configuration's file"
                ])
        }
        let comments = String(repeating: "# a comment\n", count: 100_000)
        #expect(try Start(file: comments + "maxclients 10\n").plan().lines.contains("maxclients 10"))
    }

    @Test("so have the files that it includes, together with it")
    func includes() throws {
        let half = String(repeating: "#", count: ConfigurationBounds.maximumBytes / 2)
        var start = Start(file: "include /i\ninclude /i\n", files: ["/i": half])
        #expect(
            start.diagnostics().map(\.description).contains {
                $0.contains("cannot include /i: it is larger than 4 MiB together with the files before it; ")
            })
        start = Start(file: "include /i\n", files: ["/i": half])
        #expect(!start.diagnostics().contains { $0.severity == .error })
    }

    @Test("files that include each other twice end at the bound")
    func doubling() throws {
        var files: [String: String] = ["/f40": "# end\n"]
        for index in 0..<40 { files["/f\(index)"] = "include /f\(index + 1)\ninclude /f\(index + 1)\n" }
        let found = Start(file: "include /f0\n", files: files).diagnostics().map(\.description)
        #expect(found.count { $0.contains("100000 words together with the files before it") } == 1, "\(found.count)")
    }
}

@Suite("A data folder that cannot be made")
struct DataFolderTests {
    private func report(_ folder: String, _ files: [String: String] = [:]) throws -> Report {
        try Start(
            environment: [
                "REDIS_DATA_DIR": folder, "REDIS_VERSION": "7.0.15", "REDIS_MASTER_SERVICE_HOST": "10.0.0.5",
            ], files: files
        ).report()
    }

    @Test("a file in its place or on the way to it", arguments: ["/pipe", "/pipe/sub", "/pipe/a/b"])
    func noFolder(_ folder: String) throws {
        let report = try report(folder, ["/pipe": ""])
        #expect(report.exitCode == 74)
        #expect(report.text.contains("dir needs a folder, and /pipe is none; mount a volume"), "\(report.text)")
    }

    @Test("a name that no file system takes")
    func longName() throws {
        let report = try report("/" + String(repeating: "d", count: 256) + "/x")
        #expect(report.exitCode == 74)
        #expect(report.text.contains("a path has at most 4095 bytes, each name in it 255"), "\(report.text)")
        #expect(try self.report("/" + String(repeating: "d", count: 255) + "/x").exitCode != 74)
    }
}
