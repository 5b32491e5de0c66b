import RedisConfFuzz

// fuzz-conf [COUNT [SEED]]: random configurations through the grammar; ends with 1 at the first broken promise.
let arguments = CommandLine.arguments.dropFirst().map { Int($0) }
guard let count = arguments.first ?? 1_000_000, let seed = arguments.dropFirst().first ?? 1 else {
    fatalError("usage: fuzz-conf [COUNT [SEED]]")
}
var fuzzer = Fuzzer(seed: UInt64(bitPattern: Int64(seed)))
var bytes = 0
let clock = ContinuousClock()
let time = try clock.measure {
    for done in stride(from: 0, to: count, by: 1_000_000) { bytes += try fuzzer.run(min(1_000_000, count - done)) }
}
print("\(count) inputs, \(bytes) bytes, seed \(seed): no trap and no broken promise in \(time)")
