import ReplicaReconciler
import Testing

@Suite struct DataComparisonTests {
    /// What stands on each side, and what following would cost.
    @Test(arguments: [
        (
            ServerInformation.replica(keys: 0), ServerInformation.master("x", history: "b", keys: 0),
            DataComparison.nothingToLose
        ),
        (.replica(applied: 1000), .master(offset: 1000), .continues),
        (.replica(applied: 1000), .master(offset: 2000), .continues),
        (.replica(applied: 1014), .master(offset: 1000), .continues),
        (.replica(applied: 1015), .master(offset: 1000), .behind(bytes: 15)),
        (.replica(applied: 1000), .master(history: "b", offset: 1100, second: ("a", 1001)), .continues),
        (.replica(applied: 1000), .master(history: "b", offset: 1100, second: ("a", 901)), .behind(bytes: 100)),
        (.replica(), .master(history: "b", offset: 0, keys: 0), .empty(ourKeys: 10)),
        (.replica(), .master(history: "b", offset: 0, keys: 3), .unrelated(ourKeys: 10, theirKeys: 3)),
        // The same history without keys: they were deleted there, and will be here.
        (.replica(), .master(offset: 2000, keys: 0), .continues),
        // A second id of another history proves nothing.
        (.replica(), .master(history: "b", offset: 0, keys: 0, second: ("c", 9999)), .empty(ourKeys: 10)),
    ])
    func tellsWhatFollowingWouldCost(
        _ replica: ServerInformation, _ master: ServerInformation, _ verdict: DataComparison
    ) {
        #expect(DataComparison(replica, against: master) == verdict)
    }

    @Test func onlyEmptyAndBehindAreLosses() {
        let all: [DataComparison] = [
            .nothingToLose, .continues, .unrelated(ourKeys: 1, theirKeys: 1), .empty(ourKeys: 1), .behind(bytes: 15),
        ]
        #expect(all.filter(\.isLoss) == [.empty(ourKeys: 1), .behind(bytes: 15)])
    }
}
