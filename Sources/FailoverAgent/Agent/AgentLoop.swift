import Failover
import LeaseStore
import NIOCore
import RedisClient
import ReplicaAgent

/// Drives the machine of one node: what it sees goes in, what it decides is done.
///
/// Nothing waits here: every question has its deadline, and its answer is an event. Lives on its event loop; not thread-safe, and
/// not `Sendable`.
final class AgentLoop {
    let configuration: FailoverAgentConfiguration
    let eventLoop: any EventLoop
    let isolatedLoop: NIOIsolatedEventLoop
    var machine: FailoverMachine
    let server: ServerConnection
    let control: any ServerControl
    let writer: PositionWriter
    let rollback: RollbackFolder
    var peers: [PeerServer] = []
    var listener: MessageListener?

    /// What the server beside it said last.
    var answer: ServerAnswer?
    var answeredAt = Duration.zero
    var lookedAt: Duration?
    var isLooking = false
    var looksAgain = false
    /// How far the data on the disk go, as the file said or as the server said last.
    var latest: StoredPosition?
    /// The server's process, and how many keys it began with.
    var begun: (run: String, keys: Int64)?
    /// The server's process whose data may be others than those that an earlier process left.
    var replacedRun: String?
    /// The server's process that got its settings.
    var preparedRun: String?
    /// Positions of observations at which commands waited to be written, oldest first.
    var unwritten: [(at: Duration, position: StoredPosition, changes: DataChanges?)] = []
    /// The link to the leader was up at each observation since the position was written.
    var isContinuous = false
    var positionWrittenAt: Duration?
    /// What the server said of its data before the position that was written last.
    var writtenChanges: DataChanges?
    /// The same at the last observation.
    var changesBefore: DataChanges?
    /// What this node's data say against the lease, as it was told.
    var leaseDoubt: LeaseDoubt?

    var isReading = false
    var readsAgain = false
    /// Questions to other agents that have no answer yet, by nonce.
    var questions: [String: Question] = [:]
    var isFollowing = false
    /// A planned change that a person wants, before its target was asked.
    var switchover: (target: String, since: Duration)?
    /// What a person wants, until it is done or fails.
    var order: PendingOrder?
    var watch: Task<Void, Never>?
    private var nextTick: Scheduled<Void>?
    private var nextTickAt = Duration.zero
    var isStopped = false
    var counters = AgentCounters()
    /// For status, with when it was.
    var told: [(at: Duration, event: AgentEvent)] = []
    /// What blocks this node, since when, and whether that was told.
    var block: (reason: BlockReason, since: Duration, isTold: Bool)?

    struct Question {
        var peer: String
        var askedAt: Duration
        var kind: Kind

        enum Kind {
            case agreement(term: UInt64)
            /// The server's answer that lacks its position.
            case position(ServerAnswer)
        }
    }

    /// - Parameter control: `nil`: the server's own commands, and the configuration's `kill`.
    init(_ configuration: FailoverAgentConfiguration, control: (any ServerControl)?, eventLoop: any EventLoop) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        isolatedLoop = eventLoop.assumeIsolated()
        machine = FailoverMachine(configuration.settings)
        server = ServerConnection(configuration.local, eventLoop: eventLoop)
        self.control =
            control
            ?? RedisServerControl(
                server, minimumReplicas: configuration.minimumReplicas, eventLoop: eventLoop, kill: configuration.kill)
        writer = PositionWriter(PositionFile(configuration.positionPath), eventLoop: eventLoop)
        rollback = RollbackFolder(server, eventLoop: eventLoop)
        let name = configuration.settings.node.name
        peers = configuration.members.filter { $0.name != name }.map { member in
            PeerServer(
                member, logins: configuration.logins, tls: configuration.peerTLS, eventLoop: eventLoop
            ) { [unowned self] in self.hear(answer: $0, from: member.name) }
        }
        listener = MessageListener(
            configuration.local, channel: AgentMessage.questions, eventLoop: eventLoop
        ) { [unowned self] in
            self.hear(question: $0)
        } whenEnded: { [unowned self] in
            // The server is gone, as a rule: nothing tells it sooner.
            self.look()
        }
    }

    var now: Duration { BootClock.now() }

    /// - Parameter completion: called once, on the event loop, when the position file is read and the first tick was.
    func begin(_ completion: @escaping () -> Void) {
        writer.read { result in
            switch result {
            case .success(let stored):
                self.latest = stored
                if let stored { self.machine.hear(term: stored.position.term) }
            case .failure(let error): self.tell(.positionFailed(error.description))
            }
            self.watchStore()
            self.tick()
            completion()
        }
    }

    private func tick() {
        guard !isStopped else { return }
        defer { scheduleTick() }
        listener?.tend()
        for peer in peers { peer.tend() }
        let now = now
        if !questions.isEmpty {
            questions = questions.filter { now - $0.value.askedAt < configuration.settings.duration }
        }
        if let isWatched = configuration.isWatched?(), isWatched != machine.isWatched {
            perform(machine.see(isWatched: isWatched, at: now))
        }
        if lookedAt.map({ now - $0 >= configuration.lookInterval }) ?? true { look() }
        perform(machine.tick(at: now))
        tendOrder()
        tellBlock()
    }

    private func scheduleTick() {
        let now = now
        var pause = configuration.tickInterval
        if let due = machine.nextDue { pause = min(pause, max(due - now, .milliseconds(1))) }
        nextTickAt = now + pause
        nextTick?.cancel()
        nextTick = isolatedLoop.scheduleTask(in: .init(pause)) { self.tick() }
    }

    /// Tells what blocks this node once it has done so for two intervals.
    private func tellBlock() {
        guard let reason = machine.block else {
            block = nil
            return
        }
        guard let block, block.reason == reason else {
            self.block = (reason, now, false)
            return
        }
        guard !block.isTold, now - block.since >= configuration.settings.interval * 2 else { return }
        self.block?.isTold = true
        let event = AgentEvent.machine(.blocked(reason))
        told.append((now, event))
        configuration.tell(event)
    }

    /// After news: what they lead to is not put off until the next tick.
    func advance(_ actions: [FailoverMachine.Action] = []) {
        guard !isStopped else { return }
        perform(actions)
        perform(machine.tick(at: now))
        // What is due since this news does not wait, either.
        if let due = machine.nextDue, due < nextTickAt { scheduleTick() }
    }

    func tell(_ event: AgentEvent) {
        // It passes within ms as a rule: see tellBlock().
        if case .machine(.blocked) = event { return }
        if let order {
            switch (order.kind, event) {
            case (.handOver, .machine(.switchoverFailed(let reason))), (.force, .machine(.forceFailed(let reason))):
                endOrder(.failure(.init(description: reason)))
            default: break
            }
        }
        counters.count(event)
        told.append((now, event))
        if told.count > 256 { told.removeFirst(64) }
        configuration.tell(event)
    }

    // MARK: The lease

    private func watchStore() {
        let store = configuration.store
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        watch = Task {
            for await _ in store.changes() { eventLoop.execute { bound.value.storeTold() } }
        }
    }

    private func storeTold() {
        if machine.storeTold(at: now) { readLease() }
    }

    /// A change is news that the store has to confirm: what the watch says may be older than what was read.
    func readLease() {
        guard !isStopped else { return }
        guard !isReading else {
            readsAgain = true
            return
        }
        isReading = true
        let askedAt = now
        let store = configuration.store
        let limit = configuration.storeLimit
        finish { () async -> Result<StoredLease?, LeaseStoreError> in
            do throws(LeaseStoreError) {
                return .success(try await store.read(within: limit))
            } catch {
                return .failure(error)
            }
        } then: { loop, result in
            loop.isReading = false
            switch result {
            case .success(let found):
                let before = loop.leaseHolder
                let actions = loop.machine.see(
                    lease: found.map { ($0.record, $0.version) }, askedAt: askedAt, at: loop.now)
                loop.advance(actions)
                loop.tellForeignHolder()
                loop.noteDoubt()
                // Who may lead now depends on what is asked from now on.
                if loop.leaseHolder != before {
                    loop.look()
                    loop.askPeers()
                }
            case .failure(let error): loop.tellStoreFailure(error)
            }
            if loop.readsAgain {
                loop.readsAgain = false
                loop.readLease()
            }
        }
    }

    private func tellForeignHolder() {
        guard let name = lease?.holder?.name, !configuration.members.contains(where: { $0.name == name }) else {
            return
        }
        let event = AgentEvent.foreignHolder(name)
        if !told.contains(where: { $0.event == event }) { tell(event) }
    }

    private var leaseHolder: LeaseHolder? {
        guard case .present(let lease) = machine.lease else { return nil }
        return LeaseHolder(node: lease.record.holder, term: lease.record.term)
    }

    private struct LeaseHolder: Equatable {
        var node: NodeID?
        var term: UInt64
    }

    func writeLease(_ record: LeaseRecord, replacing version: LeaseVersion?) {
        let sentAt = now
        let store = configuration.store
        let limit = configuration.storeLimit
        finish { () async -> Result<LeaseVersion, LeaseStoreError> in
            do throws(LeaseStoreError) {
                return .success(try await store.write(record, replacing: version, within: limit))
            } catch {
                return .failure(error)
            }
        } then: { loop, result in
            let now = loop.now
            switch result {
            case .success(let version):
                loop.advance(loop.machine.leaseWritten(record, version, sentAt: sentAt, at: now))
            case .failure(let error):
                if error != .conflict { loop.tellStoreFailure(error) }
                loop.advance(loop.machine.leaseNotWritten(isConflict: error == .conflict, at: now))
            }
        }
    }

    private func tellStoreFailure(_ error: LeaseStoreError) {
        // Each reason once, until the store answers otherwise.
        let event = AgentEvent.storeFailed(error.description)
        if told.last(where: { if case .storeFailed = $0.event { true } else { false } })?.event != event { tell(event) }
    }

    /// Runs what waits elsewhere, and comes back to the event loop.
    func finish<Output: Sendable>(
        _ body: @escaping @Sendable () async -> Output, then: @escaping (AgentLoop, Output) -> Void
    ) {
        let bound = NIOLoopBound((loop: self, then: then), eventLoop: eventLoop)
        let eventLoop = eventLoop
        Task {
            let output = await body()
            eventLoop.execute { bound.value.then(bound.value.loop, output) }
        }
    }

    // MARK: The end

    /// A leader's server refuses writes, and its lease is given back; then the exact position is written.
    func stop(_ completion: @escaping () -> Void) {
        guard !isStopped else { return completion() }
        isStopped = true
        watch?.cancel()
        nextTick?.cancel()
        switch machine.state {
        case .following: return writeLastPosition(completion)
        case .taking, .promoting, .recording, .leading, .handingOver, .fencing, .releasing: break
        }
        control.fence(within: configuration.settings.fenceTime / 2) { _ in
            self.writeLastPosition { self.giveBack(completion) }
        }
    }

    private func writeLastPosition(_ completion: @escaping () -> Void) {
        server.ask(ServerAnswer.commands, within: .seconds(1)) { reply in
            var state = self.storedState
            if case .success(let values) = reply, let answer = ServerAnswer(values) {
                self.answer = answer
                state = .stopped
            }
            let close = {
                self.server.close()
                self.listener?.close()
                for peer in self.peers { peer.close() }
                completion()
            }
            guard let position = self.storablePosition(state) else { return close() }
            self.writer.write(position) { _ in close() }
        }
    }

    private func giveBack(_ completion: @escaping () -> Void) {
        guard case .present(let lease) = machine.lease, lease.record.holder == configuration.settings.node else {
            return completion()
        }
        var record = lease.record
        record.holder = nil
        record.renewals &+= 1
        let free = record
        let store = configuration.store
        let limit = configuration.storeLimit
        finish { () async -> Bool in
            // Where that fails the lease runs out by itself.
            (try? await store.write(free, replacing: lease.version, within: limit)) != nil
        } then: { _, _ in
            completion()
        }
    }
}
