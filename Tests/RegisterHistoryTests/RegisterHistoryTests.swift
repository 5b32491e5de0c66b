import RegisterHistory
import SeededRandomness
import Testing

@Suite("The checker of histories of one key")
struct RegisterHistoryTests {
    typealias Operation = RegisterHistory.Operation

    private func fault(_ operations: Operation...) -> RegisterHistory.Fault? {
        do {
            try RegisterHistory(operations).check()
            return nil
        } catch {
            return error
        }
    }

    @Test("what one key can do is accepted")
    func accepted() {
        #expect(fault() == nil)
        #expect(fault(.init(.read(nil), from: 1, to: 2)) == nil)
        #expect(fault(.init(.write(1), from: 1, to: 2), .init(.read(1), from: 3, to: 4)) == nil)
        // Both at the same time: the read may see either one.
        #expect(fault(.init(.write(1), from: 1, to: 5), .init(.read(nil), from: 2, to: 3)) == nil)
        #expect(fault(.init(.write(1), from: 1, to: 5), .init(.read(1), from: 2, to: 3)) == nil)
        // Without an answer it may have been carried out late, or never.
        #expect(
            fault(
                .init(.write(1), from: 1, to: nil), .init(.read(nil), from: 5, to: 6), .init(.read(1), from: 7, to: 8))
                == nil)
        #expect(fault(.init(.write(1), from: 1, to: nil), .init(.read(nil), from: 5, to: 6)) == nil)
    }

    @Test("an acknowledged write that is not there is found")
    func lostWrite() {
        #expect(
            fault(
                .init(.write(1), from: 1, to: 2), .init(.read(1), from: 3, to: 4), .init(.write(2), from: 5, to: 6),
                .init(.read(1), from: 7, to: 8)) == .within(2, 1))
        #expect(fault(.init(.write(1), from: 1, to: 2), .init(.read(nil), from: 3, to: 4)) == .within(1, nil))
    }

    @Test("an old value after a newer one was read is found")
    func staleRead() {
        let found = fault(
            .init(.write(1), from: 1, to: 2), .init(.write(2), from: 3, to: 20), .init(.read(2), from: 4, to: 5),
            .init(.read(1), from: 6, to: 7))
        #expect(found != nil)
    }

    @Test("values that are read in turns are found")
    func turns() {
        #expect(
            fault(
                .init(.write(1), from: 1, to: 2), .init(.write(2), from: 1, to: 2), .init(.read(1), from: 3, to: 4),
                .init(.read(2), from: 5, to: 6), .init(.read(1), from: 7, to: 8)) != nil)
    }

    @Test("a value that was never written, was written twice, or was read too early is found")
    func impossible() {
        #expect(fault(.init(.read(1), from: 1, to: 2)) == .neverWritten(1))
        #expect(fault(.init(.write(1), from: 1, to: 2), .init(.write(1), from: 3, to: 4)) == .writtenTwice(1))
        #expect(fault(.init(.read(1), from: 1, to: 2), .init(.write(1), from: 3, to: 4)) == .readBeforeWritten(1))
    }

    @Test("of all small histories it accepts those for which a search finds an order, and no other")
    func search() {
        var random = SplitMix64(seed: 1)
        var accepted = 0
        for _ in 0..<20_000 {
            let history = Self.random(Int.random(in: 1...6, using: &random), &random)
            let isAccepted = (try? RegisterHistory(history).check()) != nil
            #expect(isAccepted == Self.hasOrder(history[...], value: nil), "\(history)")
            if isAccepted { accepted += 1 }
        }
        #expect((2_000...18_000).contains(accepted), "both kinds are tried: \(accepted)")
    }

    @Test("what a real register does under many clients is accepted, and not once a read is made stale")
    func large() throws {
        var random = SplitMix64(seed: 2)
        for _ in 0..<20 {
            var history = Self.recorded(4_000, &random)
            try RegisterHistory(history).check()
            // A read late in the history gets the value of an early one.
            let reads = history.indices.filter { if case .read = history[$0].action { true } else { false } }
            history[reads[reads.count - 1]].action = history[reads[reads.count / 4]].action
            #expect(throws: RegisterHistory.Fault.self) { try RegisterHistory(history).check() }
        }
    }

    /// Operations at any times, with any values.
    private static func random(_ count: Int, _ random: inout SplitMix64) -> [Operation] {
        var written = 0
        return (0..<count).map { _ in
            // No two times are equal: what is equal has no order.
            let began = Int64.random(in: 0..<20, using: &random) * 1_000 + Int64.random(in: 0..<1_000, using: &random)
            let ended = began + Int64.random(in: 1..<8_000, using: &random)
            if Bool.random(using: &random) {
                written += 1
                let isAnswered = Int.random(in: 0..<5, using: &random) > 0
                return Operation(.write(written), from: began, to: isAnswered ? ended : nil)
            }
            let value = Int.random(in: 0...3, using: &random)
            return Operation(.read(value == 0 ? nil : value), from: began, to: ended)
        }
    }

    /// Tries all orders.
    private static func hasOrder(_ rest: ArraySlice<Operation>, value: Int?) -> Bool {
        let first = rest.map { $0.ended ?? .max }.min()
        guard let first, rest.contains(where: { $0.ended != nil }) else { return true }
        for index in rest.indices where rest[index].began < first || rest[index].ended == first {
            var others = rest
            others.remove(at: index)
            switch rest[index].action {
            case .write(let written): if hasOrder(others, value: written) { return true }
            case .read(let seen): if seen == value, hasOrder(others, value: value) { return true }
            }
        }
        return false
    }

    /// Each operation takes effect at a moment between its begin and its end.
    private static func recorded(_ count: Int, _ random: inout SplitMix64) -> [Operation] {
        var value: Int?
        return (1...count).map { number in
            let moment = Int64(number) * 1_000
            let began = moment - Int64.random(in: 1..<10_000, using: &random)
            let ended = moment + Int64.random(in: 1..<10_000, using: &random)
            guard Int.random(in: 0..<3, using: &random) == 0 else {
                return Operation(.read(value), from: began, to: ended)
            }
            value = number
            return Operation(.write(number), from: began, to: ended)
        }
    }
}
