internal import Glibc
internal import SystemPackage

/// Real processes on loopback: started in order, asked, hurt, and stopped together.
///
/// Use ``withLocalCluster(_:_:)``, which always stops it.
public actor LocalCluster {
    /// A node that ended without being asked to.
    public struct UnexpectedEnding: Hashable, Sendable {
        public let node: String
        public let ending: Ending
        public let log: LogTail
    }

    public nonisolated let spec: ClusterSpec
    /// Ends when the cluster is stopped.
    public nonisolated let unexpectedEndings: AsyncStream<UnexpectedEnding>

    private let directory: RunDirectory
    private let account = Account.forRedis
    private let reportEnding: AsyncStream<UnexpectedEnding>.Continuation
    private var children: [String: ChildProcess] = [:]
    private var endings: [String: Ending] = [:]
    private var told: Set<String> = []
    private var isStopped = false

    /// Makes the cluster's folder; starts nothing.
    ///
    /// Ignores SIGPIPE in this process from now on, as ``BlockingConnection`` asks.
    public init(_ spec: ClusterSpec) throws(LocalTopologyError) {
        signal(SIGPIPE, SIG_IGN)
        self.spec = spec
        directory = try RunDirectory(account: account)
        (unexpectedEndings, reportEnding) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(64))
    }

    /// Starts every node in order, each once the one before is up.
    /// - Parameter progress: Called with each node before it starts.
    public func start(progress: @Sendable (NodeSpec) -> Void = { _ in }) async throws {
        // A master that asks its replicas is not up before they answer, and they are not before it is.
        let isAsking = spec.nodes.contains { $0.isRedis && $0.environment["REDIS_SLAVE_NODES_HOST"] != nil }
        let together = isAsking ? spec.nodes.filter { $0.isRedis && $0.folderOwner == nil } : []
        for node in together {
            progress(node)
            try await launch(node.name)
        }
        for node in together { try await waitUntilUp(node.name) }
        for node in spec.nodes where !together.contains(node) {
            progress(node)
            try await start(node.name)
        }
    }

    /// Starts one node and waits until it is up. Its folder, and so its data, is the one of its last life.
    public func start(_ name: String) async throws {
        try await launch(name)
        try await waitUntilUp(name)
    }

    /// Starts one node without waiting for anything but its execution.
    public func launch(_ name: String) async throws {
        let node = try node(name)
        guard !isStopped else { throw LocalTopologyError.notRunning(node: "the cluster") }
        precondition(children[name] == nil, "\(name) is running already")
        let folder = directory.folder(of: node)
        if access(folder.string, F_OK) != 0 { try directory.prepare(node) }
        let child = try await ChildProcess.start(try command(for: node))
        children[name] = child
        endings[name] = nil
        told.remove(name)
        Task { await self.note(child.ended(), of: child, name) }
        // The cluster was stopped while the child was being started: the child must not survive that.
        if isStopped { await end(name, with: SIGKILL) }
    }

    /// Kills a node at once (SIGKILL) and waits for its end.
    public func kill(_ name: String) async throws {
        _ = try running(name)
        await end(name, with: SIGKILL)
    }

    /// Asks a node to end (SIGTERM), kills it after the spec's `stopDeadline`, and waits for its end.
    @discardableResult
    public func terminate(_ name: String) async throws -> Ending {
        let child = try running(name)
        await end(name, with: SIGTERM)
        return await child.ended()
    }

    /// Stops a node's clock (SIGSTOP): its sockets stay open, and it answers nothing.
    public func pause(_ name: String) throws { try running(name).send(SIGSTOP) }

    /// Lets a paused node go on (SIGCONT).
    public func resume(_ name: String) throws { try running(name).send(SIGCONT) }

    /// Ends a node in order, if it runs, and starts it again on the same data.
    public func restart(_ name: String) async throws {
        if children[name] != nil { try await terminate(name) }
        try await start(name)
    }

    /// Removes the folder of a node that does not run, with all its data: its next life begins in a new one, as a container on
    /// a new volume does.
    public func removeFolder(of name: String) throws {
        let node = try node(name)
        precondition(children[name] == nil, "\(name) is running")
        try Files.removeTree(directory.folder(of: node))
    }

    /// Where the node answers.
    public func endpoint(of name: String) throws(LocalTopologyError) -> Endpoint { try node(name).endpoint }

    /// The node's process, for looking at it from outside.
    public func processIdentifier(of name: String) throws -> Int32 { try running(name).pid }

    /// Whether the node's process runs; a paused one does.
    public func isRunning(_ name: String) -> Bool { children[name] != nil }

    /// All that the node has written to stdout and stderr, over all its lives.
    public func log(of name: String) throws -> String {
        String(decoding: try Files.read(directory.log(of: try node(name).name)), as: UTF8.self)
    }

    /// The folder with the cluster's configurations, data and logs; gone after ``stop()``.
    public nonisolated var folder: String { directory.path.string }

    /// Ends all nodes and removes the cluster's folder. Once begun it finishes, also in a cancelled task; the second call
    /// does nothing.
    /// - Parameter keepingFolder: Keeps configurations, data and logs, so that they can be read.
    public func stop(keepingFolder: Bool = false) async {
        await Task { await self.stopAll(keepingFolder: keepingFolder) }.value
    }

    private func stopAll(keepingFolder: Bool) async {
        guard !isStopped else { return }
        isStopped = true
        // The last started first and all at once; a paused one has to be woken to hear it.
        await withTaskGroup { group in
            for node in spec.nodes.reversed() where children[node.name] != nil {
                group.addTask { await self.end(node.name, with: SIGTERM) }
            }
        }
        reportEnding.finish()
        // What cannot be removed stays in TMPDIR; nothing is left to report it to.
        if keepingFolder { directory.keep() } else { try? directory.remove() }
    }

    private func end(_ name: String, with signal: CInt) async {
        guard let child = children[name] else { return }
        told.insert(name)
        child.send(signal)
        child.send(SIGCONT)
        let deadline = Task { [stopDeadline = spec.stopDeadline] in
            try await Task.sleep(for: stopDeadline)
            child.send(SIGKILL)
        }
        let ending = await child.ended()
        deadline.cancel()
        note(ending, of: child, name)
    }

    private func note(_ ending: Ending, of child: ChildProcess, _ name: String) {
        guard children[name] === child else { return }
        children[name] = nil
        endings[name] = ending
        if !told.contains(name) {
            reportEnding.yield(UnexpectedEnding(node: name, ending: ending, log: logTail(of: name)))
        }
    }

    // MARK: What the waits need

    func node(_ name: String) throws(LocalTopologyError) -> NodeSpec {
        guard let node = spec.nodes.first(where: { $0.name == name }) else { throw .unknownNode(name) }
        return node
    }

    /// How the node ended, if it has been started and does not run any more.
    func ending(of name: String) -> Ending? { endings[name] }

    func logTail(of name: String, lines count: Int = 12) -> LogTail {
        let path = directory.log(of: name)
        let text = (try? Files.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return LogTail(path: path.string, lines: text.split(separator: "\n").suffix(count).map(String.init))
    }

    private func running(_ name: String) throws(LocalTopologyError) -> ChildProcess {
        guard let child = children[try node(name).name] else { throw .notRunning(node: name) }
        return child
    }

    /// The node's command under setpriv, which makes it die with us and, when we are root, takes root away in the same
    /// breath: a later change of user would clear the parent-death signal (prctl(2)).
    private func command(for node: NodeSpec) throws(LocalTopologyError) -> ChildProcess.Command {
        let folder = directory.folder(of: node)
        func filled(_ text: String) -> String {
            text.split(separator: "{directory}", omittingEmptySubsequences: false).joined(separator: folder.string)
        }
        var arguments = ["--pdeathsig", "KILL"]
        if node.isRedis, let account {
            arguments += ["--reuid", "\(account.user)", "--regid", "\(account.group)", "--init-groups"]
        }
        arguments.append(try directory.executable(for: node).string)
        arguments += node.arguments.map(filled)
        var environment = node.environment.mapValues(filled)
        environment["PATH"] = environment["PATH"] ?? environmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        var executable = try Programs.installed("setpriv", package: "util-linux")
        // Before setpriv: entering takes the root that it takes away.
        if let network = node.network { (executable, arguments) = try network.command(executable, arguments) }
        return ChildProcess.Command(
            name: node.name, executable: executable, arguments: arguments, environment: environment, folder: folder,
            log: directory.log(of: node.name))
    }
}

/// Starts a cluster, hands it to the body, and stops it however the body ends: by returning, throwing or cancellation.
/// - Parameter starts: Whether every node is started first; else the body starts those that it wants.
package func withLocalCluster<Value: Sendable>(
    _ spec: ClusterSpec, starts: Bool = true, _ body: (LocalCluster) async throws -> Value
) async throws -> Value {
    let cluster = try LocalCluster(spec)
    do {
        if starts { try await cluster.start() }
        let value = try await body(cluster)
        await cluster.stop()
        return value
    } catch {
        await cluster.stop()
        throw error
    }
}
