import RedisConfFuzz
import Testing

@Suite("The grammar keeps its promises")
struct FuzzTests {
    @Test("on random and damaged lines", arguments: 1...4)
    func random(seed: UInt64) throws {
        var fuzzer = Fuzzer(seed: seed)
        #expect(try fuzzer.run(25_000) > 100_000)
    }
}
