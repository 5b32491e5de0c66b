internal import ArgumentParser
internal import LocalTopology
internal import UnixSignals

/// A cluster's life: it begins once signals are waited for, and ends with the first of them, or with what it is for.
struct Lifetime {
    /// Of the Makefile.
    var target: String
    private let checkPorts: @Sendable () throws -> Void
    private let makeSpec: @Sendable () throws(LocalTopologyError) -> ClusterSpec

    init(layout: Layout, target: String, onEmpty: OnEmpty) {
        self.target = target
        checkPorts = { try layout.checkPorts() }
        makeSpec = { () throws(LocalTopologyError) in try layout.clusterSpec(onEmpty: onEmpty) }
    }

    init(_ layout: FailoverLayout, target: String) {
        self.target = target
        checkPorts = { try layout.checkPorts() }
        makeSpec = { () throws(LocalTopologyError) in try layout.clusterSpec() }
    }

    private enum End: Sendable {
        case signal(UnixSignal)
        case body
    }

    /// Hands the cluster over, nothing of which is started yet, and stops it however the body ends.
    /// - Returns: the signal that ended it; `nil` where the body came to its end.
    func live(_ body: @escaping @Sendable (LocalCluster) async throws -> Void) async throws -> UnixSignal? {
        // Before anything starts, so that no Ctrl-C is missed.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        do {
            try checkPorts()
            let cluster = try LocalCluster(try makeSpec())
            do {
                let end = try await first(of: signals, body, cluster)
                Story.tell("Stopping everything.")
                await cluster.stop()
                guard case .signal(let signal) = end else { return nil }
                return signal
            } catch {
                await cluster.stop(keepingFolder: true)
                Story.complain("The logs are kept in \(cluster.folder)")
                throw error
            }
        } catch let error as TakenPorts {
            Story.complain("kv-local: \(error)\n\(error.cure(target: target))")
            throw ExitCode(69)
        } catch let error as TakenFailoverPorts {
            Story.complain("kv-local: \(error)")
            throw ExitCode(69)
        } catch let error as DrillFailure {
            Story.complain("kv-local: \(error)")
            throw ExitCode.failure
        } catch let error as LocalTopologyError {
            Story.complain("kv-local: \(error)")
            throw ExitCode(error.exitCode)
        } catch let error as KeyCount {
            Story.complain("kv-local: \(error)")
            throw ExitCode.failure
        } catch {
            // A connection to one of our servers.
            Story.complain("kv-local: \(error)")
            throw ExitCode(70)
        }
    }

    private func first(
        of signals: UnixSignalsSequence, _ body: @escaping @Sendable (LocalCluster) async throws -> Void,
        _ cluster: LocalCluster
    ) async throws -> End {
        try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask {
                for await signal in signals { return .signal(signal) }
                return .body
            }
            group.addTask {
                do {
                    try await body(cluster)
                } catch {
                    // What fails because it is called off is no failure.
                    guard Task.isCancelled else { throw error }
                }
                return .body
            }
            let end = try await group.next() ?? .body
            group.cancelAll()
            try await group.waitForAll()
            return end
        }
    }
}
