import Hiredis
import RedisConf
import Testing

@Suite("What is quoted, the server reads back")
struct QuotingTests {
    @Test("every byte but NUL in hundreds of passwords", arguments: RedisServer.paths)
    func passwords(path: String) throws {
        let server = try RedisServer(path)
        let scratch = try Scratch()
        var random = SystemRandomNumberGenerator()
        var passwords: [[UInt8]] = (1...255).map { [$0] }
        passwords += (0..<400).map { _ in
            (0..<Int.random(in: 1...60, using: &random)).map { _ in UInt8.random(in: 1...255, using: &random) }
        }
        var text: [UInt8] = []
        for (index, password) in passwords.enumerated() {
            text += directiveLine("user", [Array("u\(index)".utf8), Array("on".utf8), Array(">".utf8) + password])
            text.append(UInt8(ascii: "\n"))
        }
        let plain = passwords[300]
        text += directiveLine("masterauth", [plain]) + Array("\n".utf8)
        try scratch.write("redis.conf", text)
        let boot = try Boot.configuration(
            of: server, file: "redis.conf", in: scratch, folder: "", overrides: [], password: nil
        ) { connection in
            for (index, password) in passwords.enumerated() {
                let reply = try connection.command([Array("AUTH".utf8), Array("u\(index)".utf8), password])
                #expect(reply.errorText == nil, "password \(password)")
            }
        }
        guard case .answers(let values) = boot else {
            Issue.record("\(boot)")
            return
        }
        #expect(values["masterauth"] == plain)
    }
}
