import RedisConf
import Testing

@testable import ReplicaPlanning

@Suite("The line of the user default")
struct DefaultUserTests {
    static let old = "#cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4"
    static let new = "#11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"

    @Test(
        "takes the password that is given, and keeps all else",
        arguments: [
            // As CONFIG REWRITE writes it, from 6.0 to 8.0.
            ("on \(old) ~* +@all", "on >new ~* +@all"),
            ("on sanitize-payload \(old) ~* &* +@all", "on sanitize-payload >new ~* &* +@all"),
            ("on \(old) \(new) ~* &* +@all", "on >new ~* &* +@all"),
            ("on \(new) \(old) ~* &* +@all", "on >new ~* &* +@all"),
            (
                "on \(old) %R~a* &c* -@all +get (~b* resetchannels -@all +get)",
                "on >new %R~a* &c* -@all +get (~b* resetchannels -@all +get)"
            ),
            // As people write it.
            ("on >old ~* +@all", "on >new ~* +@all"), ("~* +@all >old on", "~* +@all >new on"),
            ("reset on >old +@all", "reset on >new +@all"), ("on >old >older <older +get", "on >new +get"),
            ("on !1234 +get", "on >new +get"), ("off >old +get", "off >new +get"),
            // What stands before a reset has no effect.
            ("on >new resetpass", "on resetpass >new"), ("on >old RESETPASS +get", "on RESETPASS >new +get"),
            ("on >old reset on >older", "on reset on >new"),
            // No client could log in.
            ("on ~* +@all", "on ~* +@all >new"), ("off on", "off on >new"),
        ])
    func changed(rules: String, expected: String) {
        let outcome = DefaultUser.outcome(arguments(rules), taking: bytes("new"))
        #expect(outcome == .changed(arguments(expected)))
        #expect(DefaultUser.outcome(arguments(expected), taking: bytes("new")) == .settled, "a second time")
    }

    @Test(
        "is settled where it takes that one only",
        arguments: ["on >new", "\(new) on", "resetpass on \(new) ~*", "off >new"])
    func settled(rules: String) {
        #expect(DefaultUser.outcome(arguments(rules), taking: bytes("new")) == .settled)
    }

    @Test(
        "is left alone where it is open or off on purpose",
        arguments: ["on nopass ~*", "on >old nopass", "on NoPass", "", "off", "~* +@all", "on off", "on reset"])
    func leftAlone(rules: String) {
        #expect(DefaultUser.outcome(arguments(rules), taking: bytes("new")) == .leftAlone)
    }

    @Test("is written where it stands, once, with a note; a second start changes no byte")
    func file() throws {
        let before = "user a on >x\r\nuser  default on \(Self.old)  ~*\t\r\nport 1\r\nuser b on >y\r\n"
        var start = Start(file: before)
        start.environment["REDIS_PASSWORD"] = "n\"e w"
        let plan = try start.plan()
        let expected = "user a on >x\r\nuser default on \">n\\\"e w\" ~*\t\r\nport 1\r\nuser b on >y\r\n"
        #expect(text(plan.configuration).hasPrefix(expected), "\(text(plan.configuration))")
        #expect(plan.diagnostics.contains { $0.problem == .passwordReplaced })
        #expect(!plan.diagnostics.contains { $0.problem == .passwordOverruled })
        let user = try #require(plan.decisions.first { $0.directive == "user" })
        #expect(user.description == "user ******** (REDIS_PASSWORD)")
        start.file = text(plan.configuration)
        let second = try start.plan()
        #expect(second.configuration == plan.configuration)
        #expect(!second.diagnostics.contains { [.passwordReplaced, .passwordOverruled].contains($0.problem) })
    }

    @Test("of an included file, or without a password that is given, is reported and left alone")
    func elsewhere() throws {
        var start = Start(file: "include /i\n", files: ["/i": "user default on >old\n"])
        start.environment["REDIS_PASSWORD"] = "new"
        #expect(try start.plan().diagnostics.map(\.problem).contains(.passwordOverruled))
        #expect(try !start.plan().lines.contains { $0.hasPrefix("user") })
        let file = "user default on >old\nrequirepass new\n"
        let plan = try Start(file: file).plan()
        #expect(plan.diagnostics.map(\.problem).contains(.passwordOverruled))
        #expect(text(plan.configuration).hasPrefix(file))
    }

    private func arguments(_ rules: String) -> [[UInt8]] {
        [bytes("default")] + rules.split(separator: " ").map { bytes(String($0)) }
    }
}

@Suite("SHA-256")
struct SHA256Tests {
    @Test(
        "is what FIPS 180-4 makes of 0, 1, 2, … at every boundary of its blocks",
        arguments: [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (55, "463eb28e72f82e0a96c0a4cc53690c571281131f672aa229e0d45ae59b598b59"),
            (56, "da2ae4d6b36748f2a318f23e7ab1dfdf45acdc9d049bd80e59de82a60895f562"),
            (63, "29af2686fd53374a36b0846694cc342177e428d1647515f078784d69cdb9e488"),
            (64, "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108"),
            (65, "4bfd2c8b6f1eec7a2afeb48b934ee4b2694182027e6d0fc075074f2fabb31781"),
            (119, "da18797ed7c3a777f0847f429724a2d8cd5138e6ed2895c3fa1a6d39d18f7ec6"),
            (120, "f52b23db1fbb6ded89ef42a23ce0c8922c45f25c50b568a93bf1c075420bbb7c"),
            (128, "471fb943aa23c511f6f72f8d1652d9c880cfa392ad80503120547703e56a2be5"),
            (1000, "a8af099bf2e878609558dbf69d8f88f4a31040a8cf84b549a0cfa912f12ffc3f"),
        ])
    func hash(count: Int, expected: String) {
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        #expect(text(SHA256.hexadecimal(of: message)) == expected)
    }
}
