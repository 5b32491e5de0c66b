/// Where the data of a simulated redis-server ends. A history has one writer, so this names its content.
struct SimulatedData: Equatable {
    var history: Int
    var offset: Int64
}

/// Which history branched off from which, and where.
struct Histories {
    private(set) var parents: [SimulatedData?] = []

    mutating func new(from parent: SimulatedData?) -> Int {
        parents.append(parent)
        return parents.count - 1
    }

    /// Whether data that ends at `end` holds what ends at `part`.
    func contains(_ end: SimulatedData, _ part: SimulatedData) -> Bool {
        var end = end
        while end.history != part.history {
            guard let parent = parents[end.history] else { return false }
            end = SimulatedData(history: parent.history, offset: min(parent.offset, end.offset))
        }
        return part.offset <= end.offset
    }
}

/// A redis-server, as far as fail-over is concerned.
struct SimulatedServer {
    enum Role: Equatable {
        case master
        case replica(of: Int)
    }

    var isAlive = true
    /// Until when it loads its data.
    var loadsUntil: Int64 = 0
    var role = Role.master
    var isLinkUp = false
    /// It takes a full copy, or one has failed.
    var isCopying = false
    var data: SimulatedData
    /// Writes are not refused.
    var takesWrites = false
    var pausedUntil: Int64 = 0
    /// Changes with each start and each change of its master: what was under way for an earlier one does not count.
    var generation = 0
    var starts = 0

    func acknowledges(at now: Int64) -> Bool {
        isAlive && role == .master && takesWrites && now >= pausedUntil && now >= loadsUntil
    }
}
