import RedisClient
import Testing

@Suite("Endpoints")
struct RedisEndpointTests {
    @Test(arguments: [
        ("redis-master", RedisEndpoint(host: "redis-master", port: 6379)),
        ("redis-master:7000", RedisEndpoint(host: "redis-master", port: 7000)),
        ("10.1.37.13:65535", RedisEndpoint(host: "10.1.37.13", port: 65535)),
        ("[fd00::2]:6380", RedisEndpoint(host: "fd00::2", port: 6380)),
        ("[fd00::2]", RedisEndpoint(host: "fd00::2", port: 6379)),
        ("fd00::2", RedisEndpoint(host: "fd00::2", port: 6379)),
    ])
    func `are read in every form that people write`(text: String, endpoint: RedisEndpoint) {
        #expect(RedisEndpoint(parsing: text, defaultPort: 6379) == endpoint)
    }

    @Test(arguments: [
        "", ":6379", "a:", "a:0", "a:65536", "a:+1", "a: 1", "a b", "[fd00::2", "[fd00::2]x", "a:tcp",
        "a%b", "127.0.0.1%lo", "a\"b", "a'", "\u{1B}[31m", "$(id)", "`id`", "user:pass@a", "é", "::1:::", "-a",
        "http://a",
    ])
    func `are refused where they cannot be meant`(text: String) {
        #expect(RedisEndpoint(parsing: text, defaultPort: 6379) == nil)
    }

    @Test func `are written so that they can be read again`() {
        for text in ["a:1", "10.0.0.1:6379", "[fd00::2]:6380"] {
            #expect(RedisEndpoint(parsing: text, defaultPort: 1)?.description == text)
        }
    }
}
