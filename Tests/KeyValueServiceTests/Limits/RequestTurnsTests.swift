import Testing

@testable import KeyValueService

@Suite("The turns of requests that cost much")
struct RequestTurnsTests {
    private static let mebibyte = TurnQueue<String>.limitCost

    @Test func `no more is under way than the limit, and those that wait go in the order in which they came`() {
        var queue = TurnQueue<String>()
        let begun = (0..<2).map { _ in queue.begin(cost: Self.mebibyte / 2) }
        #expect(begun == [true, true])
        for (index, name) in ["a", "b", "c"].enumerated() {
            let isBegun = queue.begin(cost: 100)
            #expect(!isBegun)
            queue.wait(name, cost: Self.mebibyte / 2, at: Int64(index))
        }
        var next = queue.next()?.waiter
        #expect(next == nil, "there is no room yet")
        queue.end(cost: Self.mebibyte / 2)
        next = queue.next()?.waiter
        #expect(next == "a")
        next = queue.next()?.waiter
        #expect(next == nil)
        queue.end(cost: Self.mebibyte / 2)
        queue.end(cost: Self.mebibyte / 2)
        let isBegun = queue.begin(cost: 1)
        #expect(!isBegun, "others came first")
        let rest = (0..<3).map { _ in queue.next()?.waiter }
        #expect(rest == ["b", "c", nil])
        #expect(queue.waitingCount == 0 && queue.costUnderWay == Self.mebibyte)
    }

    @Test(arguments: [-1, 0, 1, 1 << 20, 1 << 40, .max])
    func `a request that costs more than all may goes alone, and gives back what it took`(cost: Int) {
        var queue = TurnQueue<String>()
        let begun = [cost, 1].map { queue.begin(cost: $0) }
        #expect(begun == [true, cost < Self.mebibyte])
        if cost < Self.mebibyte { queue.end(cost: 1) }
        queue.end(cost: cost)
        #expect(queue.costUnderWay == 0)
    }

    @Test func `a request that has waited for too long waits no more, and the others go on`() {
        var queue = TurnQueue<String>()
        _ = queue.begin(cost: .max)
        for time in 0..<5 { queue.wait("\(time)", cost: 1, at: Int64(time)) }
        let expired = [-1, 2].map { queue.expired(since: $0) }
        #expect(expired == [[], ["0", "1", "2"]])
        #expect(queue.waitingCount == 2)
    }

    @Test func `a client that is gone waits no more, and the others keep their order`() {
        var queue = TurnQueue<String>()
        _ = queue.begin(cost: .max)
        for name in ["a", "gone", "b", "gone", "c"] { queue.wait(name, cost: 1, at: 0) }
        let gone = queue.remove { $0 == "gone" }
        #expect(gone == ["gone", "gone"] && queue.waitingCount == 3)
        let none = queue.remove { $0 == "gone" }
        #expect(none.isEmpty)
        queue.end(cost: .max)
        let rest = (0..<4).map { _ in queue.next()?.waiter }
        #expect(rest == ["a", "b", "c", nil])
    }

    @Test func `any order of events keeps what is under way within the limit, and ends with nothing`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var queue = TurnQueue<Int>()
            var underWay: [Int] = []
            var waiting = 0
            for step in 0..<200 {
                let cost = Int.random(in: 0...2 * Self.mebibyte, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    if queue.begin(cost: cost) {
                        underWay.append(cost)
                    } else {
                        queue.wait(step, cost: cost, at: Int64(step))
                        waiting += 1
                    }
                case 1: if let cost = underWay.popLast() { queue.end(cost: cost) }
                default:
                    while let next = queue.next() {
                        underWay.append(next.cost)
                        waiting -= 1
                    }
                }
                #expect(queue.costUnderWay <= Self.mebibyte && queue.waitingCount == waiting)
            }
            while let next = queue.next() { underWay.append(next.cost) }
            while let cost = underWay.popLast() {
                queue.end(cost: cost)
                while let next = queue.next() { underWay.append(next.cost) }
            }
            #expect(queue.costUnderWay == 0 && queue.waitingCount == 0, "every request gets a turn at last")
        }
    }

    // MARK: What is expected

    @Test func `a bulky key is known until it is small, and only so many are remembered`() {
        var costs = ReadCosts()
        #expect(costs.knowsNothing)
        costs.note([1], bytes: ReadCosts.bulkyBytes - 1)
        #expect(costs.knowsNothing && costs.bytes(of: [1]) == nil)
        costs.note([1], bytes: 1 << 20)
        #expect(costs.bytes(of: [1]) == 1 << 20 && costs.bytes(of: [2]) == nil)
        costs.note([1], bytes: 0)
        #expect(costs.knowsNothing)
        for key in 0..<3000 { costs.note(Array("\(key)".utf8), bytes: 1 << 20) }
        let known = (0..<3000).count { costs.bytes(of: Array("\($0)".utf8)) != nil }
        #expect(known == ReadCosts.keyLimit)
        let long = [UInt8](repeating: 1, count: ReadCosts.longestKey + 1)
        costs.note(long, bytes: 1 << 20)
        #expect(costs.bytes(of: long) == nil)
    }

    @Test func `unknown values that are bulky raise an alarm, which small ones and time end`() {
        var costs = ReadCosts()
        let first = costs.unknownBytes
        #expect(!costs.isAlarmed)
        for _ in 0..<200 { costs.met(unknown: 10) }
        #expect(costs.unknownBytes == first / 2, "more may be read at a time, and never many")
        costs.met(unknown: 512 << 20)
        #expect(costs.isAlarmed && costs.unknownBytes == 1 << 20)
        var other = costs
        for _ in 0..<100 { costs.met(unknown: 10) }
        #expect(!costs.isAlarmed)
        for _ in 0..<10 { other.endSecond() }
        #expect(!other.isAlarmed && other.unknownBytes > 0)
    }

    @Test func `a client that has read a bulky value is expected to read more of them, for a while`() {
        var window = PipelineWindow()
        #expect(!window.expectsSmall, "nothing is known of it")
        window.read(10)
        #expect(window.expectsSmall)
        window.read(1 << 20)
        #expect(!window.expectsSmall && window.valueBytes == 1 << 20)
        for _ in 0..<20 { window.read(10) }
        #expect(!window.expectsSmall)
        for _ in 0..<20 { window.read(10) }
        #expect(window.expectsSmall)
    }

    @Test func `a crowd leaves a client few requests under way at a time, and never none`() {
        var window = PipelineWindow()
        #expect(window.limit(beside: 0, isAlarmed: false) == PipelineWindow.first)
        for _ in 0..<200 { window.answered(bodyBytes: 10) }
        #expect(window.limit(beside: 0, isAlarmed: false) == PipelineWindow.largest)
        #expect(window.limit(beside: PipelineWindow.crowd, isAlarmed: false) == 4)
        #expect(window.limit(beside: 0, isAlarmed: true) == 2)
        window.answered(bodyBytes: 64 << 20)
        for (others, isAlarmed) in [(0, false), (10_000, false), (0, true), (10_000, true)] {
            #expect(window.limit(beside: others, isAlarmed: isAlarmed) == 1)
        }
    }

    // MARK: Batches

    @Test func `a batch of small values goes in a few parts, and one of large values in many`() {
        for (valueBytes, most) in [(0, 7), (100, 7), (10 << 10, 40), (1 << 20, 1000)] {
            var parts = BatchParts(expectsSmall: false)
            var rest = 1000
            var count = 0
            while rest > 0 {
                let next = parts.next(of: rest) { _ in 0 }
                #expect(next.count >= 1 && next.count <= rest)
                // The first parts are sent before anything is known.
                if count > 0 { #expect(next.count == 1 || next.count * valueBytes <= 2 * BatchParts.wantedBytes) }
                parts.answered(count: next.count, bytes: next.count * valueBytes)
                rest -= next.count
                count += 1
            }
            #expect(count <= most, "\(valueBytes)")
        }
    }

    @Test func `what is known of the values makes a part as long as it may be`() {
        let parts = BatchParts(expectsSmall: true)
        #expect(parts.next(of: 100) { _ in 1 << 20 }.count == 1)
        #expect(parts.next(of: 100) { _ in BatchParts.wantedBytes / 4 }.count == 4)
        #expect(parts.next(of: 100) { $0 == 3 ? .max : 10 } == (3, 30))
        #expect(parts.next(of: 2) { _ in -5 } == (2, 0))
        #expect(parts.next(of: 1000) { _ in 0 }.count == 32)
        var batches = BatchParts(expectsSmall: true)
        batches.answered(count: 0, bytes: 0)
        batches.answered(count: 1, bytes: .max)
        #expect(batches.size == 1)
    }

    @Test func `when memory is short, those go on for a while who hold none of it`() {
        let budget = MemoryBudget(limitBytes: 1000)
        for (used, holder, other) in [(0, false, false), (1249, false, false), (1250, true, false), (1500, true, true)]
        {
            budget.change(by: used - budget.usedBytes)
            #expect(
                budget.refuses(clientThatHolds: 1) == holder && budget.refuses(clientThatHolds: 0) == other, "\(used)")
        }
    }
}
