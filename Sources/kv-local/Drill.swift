internal import LocalTopology

/// A master loses its disk: played, timed and counted.
struct Drill: Sendable {
    let cluster: LocalCluster
    let layout: Layout
    let keys: SampleKeys
    let onEmpty: OnEmpty
    let begin = ContinuousClock.now

    private var master: String { Layout.masterName }
    private var app: String { Layout.appName(1) }

    /// For one step: millions of keys take their time on a slow disk.
    private static let patience = Duration.seconds(600)

    func play() async throws {
        tell("Starting a master, its replicas (\(layout.replicas)) with their sidecars, and apps (\(layout.apps))")
        try await cluster.start()
        try await waitForReplicas()

        tell("Writing \(keys.count) keys to \(master)")
        try await keys.write(to: master, of: cluster)
        try await waitForReplicas()
        let written = try await count()
        guard written.isWhole else { throw written }

        let (refused, reads) = try await whileReading { try await loseDisk() }

        let found = try await count()
        tell("Writes were refused for \(refused.inSeconds); meanwhile \(reads)")
        guard found.isWhole else { throw found }
        tell("No key is missing")
    }

    /// - Returns: For how long no write was taken.
    private func loseDisk() async throws -> Duration {
        tell("Killing \(master) (SIGKILL) and removing its disk; all other servers keep running")
        try await cluster.kill(master)
        async let refused = timeUntilWriteIsTaken()
        try await cluster.removeFolder(of: master)

        tell("Starting \(master) on an empty disk, with REDIS_ON_EMPTY=\(onEmpty.rawValue)")
        try await startTellingProgress()
        tell("\(master) is back")
        try await waitForReplicas()
        tell("Its replicas are connected, and in step")
        return try await refused
    }

    private func waitForReplicas() async throws {
        try await cluster.wait(untilReplicasOf: master, are: layout.replicas, within: Self.patience)
    }

    private func timeUntilWriteIsTaken() async throws -> Duration {
        let begin = ContinuousClock.now
        try await cluster.wait(until: "an app takes a write", within: Self.patience) {
            let answer = try await cluster.http(app, LoopbackHTTP.Request("PUT", "/v1/keys/drill", body: [0x2E]))[0]
            return Observation((200..<300).contains(answer.status), else: "\(answer.status): \(answer.text)")
        }
        return begin.duration(to: .now)
    }

    /// Starts the master as its container would be, and shows what the init says as it says it.
    private func startTellingProgress() async throws {
        let progress = InitProgress(after: try await cluster.log(of: master))
        try await cluster.launch(master)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cluster.waitUntilUp(master, within: Self.patience) }
            group.addTask { [progress] in
                var progress = progress
                var isLast = false
                repeat {
                    // The final state is reported too.
                    isLast = (try? await Task.sleep(for: .milliseconds(20))) == nil
                    for line in progress.newLines(of: try await cluster.log(of: master)) { tell("  \(line)") }
                } while !isLast
            }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Reads through the apps for as long as the body takes.
    private func whileReading<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> (Value, Reads) {
        try await withThrowingTaskGroup(of: Reads.self) { group in
            group.addTask { await Reads.untilCancelled(of: keys, through: app, cluster) }
            let value = try await body()
            group.cancelAll()
            return (value, try await group.next() ?? Reads())
        }
    }

    /// Counts on every server, and tells.
    private func count() async throws -> KeyCount {
        var found = KeyCount(expected: keys.count)
        for server in [master] + (1...layout.replicas).map(Layout.replicaName) {
            found.servers.append((server, try await keys.present(on: server, of: cluster)))
        }
        tell("Keys: " + found.servers.map { "\($0.name) \($0.keys)" }.joined(separator: ", "))
        return found
    }

    private func tell(_ text: String) {
        let time = begin.duration(to: .now).inSeconds
        Story.tell(String(repeating: " ", count: max(0, 8 - time.count)) + "\(time)  \(text)")
    }
}

extension Duration {
    /// To a tenth.
    var inSeconds: String {
        let tenths = Int(self / .milliseconds(100))
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
