import Glibc
import Testing

@testable import ReplicaAgent

@Suite("Files that are looked at again only where they have changed")
struct WatchedFilesTests {
    private let folder: String

    init() throws {
        var name = Array("/tmp/watched-files-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&name) != nil)
        folder = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func write(_ name: String, _ text: String) throws {
        let file = try #require(fopen("\(folder)/\(name)", "we"))
        fputs(text, file)
        fclose(file)
    }

    private func path(_ name: String) -> [UInt8] { Array("\(folder)/\(name)".utf8) }

    private func remove(_ names: String...) {
        for name in names { Glibc.remove("\(folder)/\(name)") }
        rmdir(folder)
    }

    @Test("a file that is written, replaced, removed or made is another one; one that is only read is not")
    func files() throws {
        defer { remove("a", "b") }
        try write("a", "1")
        let files = WatchedFiles()
        func begin() {
            files.begin()
            _ = try? files.contents(ofFile: path("a"))
            _ = try? files.contents(ofFile: path("b"))
        }
        #expect(!files.haveChanged, "nothing was asked")
        begin()
        #expect(!files.haveChanged)
        #expect(try files.contents(ofFile: path("a")) == Array("1".utf8))
        #expect(!files.haveChanged)
        try write("a", "22")
        #expect(files.haveChanged)
        #expect(files.haveChanged, "until it is asked for again")
        begin()
        #expect(!files.haveChanged)
        try write("b", "3")
        #expect(files.haveChanged, "one that was not there")
        begin()
        Glibc.rename("\(folder)/b", "\(folder)/a")
        #expect(files.haveChanged)
        begin()
        chmod("\(folder)/a", 0o600)
        #expect(files.haveChanged, "who may read it")
    }

    @Test("a file behind a link that is exchanged is another one, as Kubernetes exchanges them")
    func links() throws {
        defer { remove("password", "..data", "..1/password", "..2/password", "..1", "..2") }
        for number in ["1", "2"] {
            mkdir("\(folder)/..\(number)", 0o755)
            try write("..\(number)/password", "same")
        }
        symlink("..1", "\(folder)/..data")
        symlink("..data/password", "\(folder)/password")
        let files = WatchedFiles()
        #expect(try files.contents(ofFile: path("password")) == Array("same".utf8))
        #expect(!files.haveChanged)
        symlink("..2", "\(folder)/..data_new")
        rename("\(folder)/..data_new", "\(folder)/..data")
        #expect(files.haveChanged)
    }

    @Test("a folder is another one when a file comes or goes")
    func folders() throws {
        defer { remove("a") }
        let files = WatchedFiles()
        #expect(files.names(inFolder: Array(folder.utf8)) == [])
        #expect(!files.haveChanged)
        try write("a", "1")
        #expect(files.haveChanged)
        files.begin()
        #expect(files.names(inFolder: Array(folder.utf8)) == [Array("a".utf8)])
        #expect(!files.exists(path("b")) && !files.isFolder(path("a")))
        #expect(!files.haveChanged)
    }
}
