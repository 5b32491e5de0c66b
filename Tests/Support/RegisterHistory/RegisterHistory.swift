/// What clients did with one key and saw of it, to be checked: is there an order of all operations in which each read returns
/// the last value written, and in which no operation comes before one that had ended when it began?
///
/// Each value is written once at most. Then that question (linearizability) has an answer in `n log n` steps: P. B. Gibbons and
/// E. Korach, Testing Shared Memories, SIAM Journal on Computing 26 (4), 1997.
package struct RegisterHistory: Sendable {
    package enum Action: Equatable, Sendable {
        case write(Int)
        /// `nil`: there was no value yet.
        case read(Int?)
    }

    package struct Operation: Equatable, Sendable {
        package var action: Action
        /// In nanoseconds of one clock.
        package var began: Int64
        /// `nil` where a write has no answer: it may have been carried out at any time since, or never.
        package var ended: Int64?

        package init(_ action: Action, from began: Int64, to ended: Int64?) {
            self.action = action
            self.began = began
            self.ended = ended
        }
    }

    /// Why there is no such order.
    package enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        case writtenTwice(Int)
        /// A read returned a value that no client wrote.
        case neverWritten(Int)
        /// A read ended before the write of its value began.
        case readBeforeWritten(Int)
        /// Both values were the current one during some of the same time: a read returned the older one after the newer one had
        /// been read or written.
        case mixed(Int?, Int?)
        /// The first value was overwritten, or came, while the second one was the only value: an acknowledged write that is not
        /// there, or a value that came back.
        case within(Int?, Int?)

        package var description: String {
            func name(_ value: Int?) -> String { value.map { "value \($0)" } ?? "no value" }
            return switch self {
            case .writtenTwice(let value): "value \(value) was written twice"
            case .neverWritten(let value): "value \(value) was read, and never written"
            case .readBeforeWritten(let value): "value \(value) was read before its write began"
            case .mixed(let one, let other): "\(name(one)) and \(name(other)) were read in turns"
            case .within(let one, let other): "\(name(one)) was written or read while \(name(other)) stayed the value"
            }
        }
    }

    package var operations: [Operation] = []

    package init(_ operations: [Operation] = []) { self.operations = operations }

    /// - Throws: a ``Fault`` where there is no such order.
    package func check() throws(Fault) {
        var zones: [Zone] = []
        for (value, cluster) in try clusters() {
            guard let zone = try Zone(value, cluster) else { continue }
            zones.append(zone)
        }
        let forward = zones.filter(\.isForward).sorted { ($0.low, $0.high) < ($1.low, $1.high) }
        for (one, other) in zip(forward, forward.dropFirst()) where other.low < one.high {
            throw .mixed(one.value, other.value)
        }
        for zone in zones where !zone.isForward {
            // The last one that begins before it.
            var (begin, end) = (0, forward.count)
            while begin < end {
                let middle = (begin + end) / 2
                if forward[middle].low < zone.low { begin = middle + 1 } else { end = middle }
            }
            if begin > 0, zone.high < forward[begin - 1].high { throw .within(zone.value, forward[begin - 1].value) }
        }
    }

    private struct Cluster {
        var write: Operation?
        var reads: [Operation] = []
    }

    /// The time in which a value was the current one: surely (forward: from the first end to the last begin), or for one moment
    /// at least (backward).
    private struct Zone {
        let value: Int?
        let low: Int64
        let high: Int64
        let isForward: Bool

        /// - Returns: `nil` for a write without an answer that no read saw.
        init?(_ value: Int?, _ cluster: Cluster) throws(Fault) {
            self.value = value
            var operations = cluster.reads
            if let value {
                guard let write = cluster.write else { throw .neverWritten(value) }
                for read in cluster.reads where (read.ended ?? .max) < write.began { throw .readBeforeWritten(value) }
                if write.ended == nil, cluster.reads.isEmpty { return nil }
                operations.append(write)
            } else {
                // Nothing was written before all else.
                operations.append(Operation(.read(nil), from: .min, to: .min))
            }
            let firstEnd = operations.map { $0.ended ?? .max }.min() ?? .max
            let lastBegin = operations.map(\.began).max() ?? .min
            isForward = firstEnd < lastBegin
            low = min(firstEnd, lastBegin)
            high = max(firstEnd, lastBegin)
        }
    }

    /// The operations of each value.
    private func clusters() throws(Fault) -> [Int?: Cluster] {
        var clusters: [Int?: Cluster] = [nil: Cluster()]
        for operation in operations {
            switch operation.action {
            case .write(let value):
                if clusters[value]?.write != nil { throw .writtenTwice(value) }
                clusters[value, default: Cluster()].write = operation
            case .read(let value): clusters[value, default: Cluster()].reads.append(operation)
            }
        }
        return clusters
    }
}
