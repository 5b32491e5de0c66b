import RedisConfFuzz
import Testing

@Suite("The grammar keeps its promises")
struct FuzzTests {
    @Test("on random and damaged lines", arguments: 1...4)
    func random(seed: UInt64) async throws {
        var fuzzer = Fuzzer(seed: seed)
        for _ in 0..<100 {
            #expect(try fuzzer.run(250) > 1_000)
            // The pool has few threads, and other tests have deadlines.
            await Task.yield()
        }
    }
}
