internal import LocalTopology

/// Reads through the apps, one after the other, and what came of them.
struct Reads: Sendable {
    private(set) var count = 0
    private(set) var failed = 0
    /// From a replica that has no master.
    private(set) var stale = 0
    private(set) var firstFailure: String?

    /// Each over its own connection, so that all apps take part, and for another key.
    static func untilCancelled(of keys: SampleKeys, through app: String, _ cluster: LocalCluster) async -> Reads {
        var reads = Reads()
        while !Task.isCancelled {
            await reads.read(reads.count % keys.count + 1, through: app, cluster)
            // Not the machine's power is tried here.
            try? await Task.sleep(for: .milliseconds(2))
        }
        return reads
    }

    private mutating func read(_ number: Int, through app: String, _ cluster: LocalCluster) async {
        count += 1
        do {
            let answer = try await cluster.http(app, .get("/v1/keys/\(SampleKeys.name(number))"))[0]
            if answer.header("Served-Stale") == "true" { stale += 1 }
            guard answer.status != 200 || answer.text != SampleKeys.value(number) else { return }
            note("\(answer.status): \(answer.text)")
        } catch {
            note("\(error)")
        }
    }

    private mutating func note(_ failure: String) {
        failed += 1
        firstFailure = firstFailure ?? failure
    }
}

extension Reads: CustomStringConvertible {
    var description: String {
        "of \(count) reads \(failed) failed, and \(stale) came from replicas without their master (Served-Stale)"
            + (firstFailure.map { "; the first failure: \($0)" } ?? "")
    }
}
