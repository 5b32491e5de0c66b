import FailoverSimulation
import Glibc

// simulate-failover COUNT FIRST-SEED: runs so many schedules; with one, says what happens in it. Shows each fault with its seed.
// A third word is a rule that is broken on purpose (Simulation.Sabotage): shows seeds for which that is seen.
let numbers = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
let count = numbers.first ?? 100_000
let first = numbers.dropFirst().first ?? 1
var settings = Simulation.Settings()
settings.sabotage = CommandLine.arguments.dropFirst(3).first.flatMap(Simulation.Sabotage.init(rawValue:))
let begin = ContinuousClock.now
var events = 0
var terms = 0
var acknowledged = 0
var faults = 0
for seed in first..<first + count {
    var simulation = Simulation(seed: seed, settings)
    simulation.isVerbose = count == 1
    do {
        let outcome = try simulation.run()
        events += outcome.events
        terms += outcome.terms
        acknowledged += outcome.acknowledged
    } catch {
        faults += 1
        if faults <= 10 { print(error) }
    }
    let done = seed - first + 1
    if done.isMultiple(of: 20_000) { print("\(done) of \(count), \(faults) at fault, \(ContinuousClock.now - begin)") }
}
print(
    """
    \(count) schedules in \(ContinuousClock.now - begin): \(faults) at fault; \(events) events, \(terms) terms, \
    \(acknowledged) writes acknowledged
    """)
if faults > 0 {
    print("a promise was broken: see one schedule with `make simulate N=1 SEED=…`")
    exit(1)
}
