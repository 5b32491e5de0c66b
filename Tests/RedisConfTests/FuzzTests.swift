import RedisConfFuzz
import Testing

@Suite("The grammar keeps its promises")
struct FuzzTests {
    @Test("on random and damaged lines: a few here, millions by `make fuzz-conf`", arguments: 1...4)
    func random(seed: UInt64) async throws {
        var fuzzer = Fuzzer(seed: seed)
        for _ in 0..<10 {
            #expect(try fuzzer.run(250) > 1_000)
            // The pool has few threads, and other tests have deadlines.
            await Task.yield()
        }
    }
}
