import FailoverSimulation
import Testing

@Suite("Simulated nodes, with every kind of trouble,")
struct SimulationTests {
    /// Seeds that once found a fault: a promise that was forgotten, a history that the lease did not name, an answer of the
    /// store that was overtaken, a pause that was not confirmed, a fenced master whose clients waited for replicas, an order
    /// to a process that had ended.
    static let found: [UInt64] = [150, 173, 187, 204, 771, 2164, 10_331, 16_685, 109_355]

    @Test("never have two that take writes, lose no write of the quorum, and have one leader in the end")
    func invariants() throws {
        for seed in Self.found + Array(1_000_000..<1_000_150) {
            var simulation = Simulation(seed: seed)
            _ = try simulation.run()
        }
    }

    /// A rule that is broken on purpose, and a seed that shows it.
    @Test(
        "fail where a rule is broken",
        arguments: [
            (.fencesLate, 57), (.takesEarly, 25), (.ignoresPeers, 27), (.takesWritesAtOnce, 5516), (.slowDeadMan, 2057),
            (.breaksPromises, 742), (.believesOldReads, 146), (.ignoresTerms, 1), (.leavesWaitingClients, 589),
        ] as [(Simulation.Sabotage, UInt64)])
    func sabotage(_ sabotage: Simulation.Sabotage, seed: UInt64) throws {
        var settings = Simulation.Settings()
        var sound = Simulation(seed: seed, settings)
        _ = try sound.run()
        settings.sabotage = sabotage
        var broken = Simulation(seed: seed, settings)
        #expect(throws: Simulation.Failure.self) { try broken.run() }
    }

    @Test("are broken in every way by a test")
    func everySabotage() {
        #expect(Simulation.Sabotage.allCases.count == 9)
    }

    @Test("do the same for the same seed")
    func repeatable() throws {
        var outcomes: [String] = []
        for _ in 0..<2 {
            var simulation = Simulation(seed: 7)
            outcomes.append("\(try simulation.run())")
        }
        #expect(outcomes[0] == outcomes[1])
    }
}
