import RedisClient
import Testing

@testable import ReplicaAgent

@Suite("An error reply in an operator's words")
struct RefusalTests {
    @Test(
        "names the rights that a user lacks, as 6.0, 7.0 and 8.0 say it",
        arguments: [
            ("this user has no permissions to run the 'role' command or its subcommand", "+role"),
            (
                "this user has no permissions to run the 'config' command or its subcommand",
                "+config|get +config|set"
            ),
            (
                "this user has no permissions to run the 'client' command or its subcommand",
                "+client|setname +client|kill"
            ),
            ("this user has no permissions to run the 'config|get' command", "+config|get"),
            ("User sidecar has no permissions to run the 'acl|setuser' command", "+acl|setuser"),
            ("User role has no permissions to run the 'replicaof' command", "+replicaof"),
            ("User it's has no permissions to run the 'info' command", "+info"),
            // Anything else is not repeated.
            ("User x has no permissions to run the 's3cret' command", "+info +role"), ("", "+info +role"),
        ])
    func rights(words: String, rights: String) {
        let refusal = Answers.Refusal(Array("NOPERM \(words)".utf8))
        #expect(refusal.code == "NOPERM")
        #expect(
            refusal.words == "does not let this user run a command that is needed (ACL SETUSER … \(rights))")
    }

    @Test(
        "names a command that has another name, as 6.0 and 7.0 say it",
        arguments: [
            "ERR unknown command `ROLE`, with args beginning with: `s3cret`, ",
            "ERR unknown command 'role', with args beginning with: 's3cret' ",
        ])
    func renamed(text: String) {
        let refusal = Answers.Refusal(Array(text.utf8))
        #expect(refusal.unknownCommand == "ROLE")
        #expect(refusal.words.contains("does not know ROLE") && !refusal.words.contains("s3cret"))
    }

    @Test(
        "never repeats what the server says",
        arguments: ["NOAUTH", "WRONGPASS", "NOPERM", "LOADING", "BUSY", "DENIED", "ERR"])
    func secrets(code: String) {
        #expect(!Answers.Refusal(Array("\(code) it was sent 's3cret'".utf8)).words.contains("s3cret"))
    }
}
