import Logging
import NIOCore
import RedisCore

/// Connections to the master for writes that need one for themselves: those that wait for replicas, and transactions.
///
/// WAIT counts the writes of its own connection, and holds up what is behind it; WATCH and MULTI concern the commands of their
/// own connection. Such a write gets a connection that nothing else uses meanwhile. There are few of them, opened when they are
/// needed and closed after a minute without use; further writes queue.
///
/// Lives on its event loop; neither thread-safe nor `Sendable`.
final class AcknowledgedWrites {
    /// Connections at the most.
    static let connectionsLimit = 4
    /// Writes that may wait for one; further ones are refused at once.
    static let queueLimit = 256
    /// How long a connection is kept without use.
    static let idleTime: TimeAmount = .seconds(60)

    /// One write on its way.
    private final class Entry: ReplyReceiver {
        let receiver: ReplyReceiver
        private(set) var phase: ExclusivePhase
        private let next: () -> ExclusivePhase?
        var timer: DeadlineTimer?
        /// The one it was sent over; `nil` while it waits for one.
        var connection: RedisConnection?
        /// Called whenever the phase has become another one.
        var whenPhaseBegins: () -> Void = {}
        /// Called once, when nothing more comes.
        var whenDone: () -> Void = {}
        private(set) var isDone = false

        init(_ receiver: ReplyReceiver, _ phase: ExclusivePhase, next: @escaping () -> ExclusivePhase?) {
            self.receiver = receiver
            self.phase = phase
            self.next = next
        }

        override func command(at index: Int) -> RedisCommand { receiver.command(at: index) }

        override func receive(_ reply: RedisReply, at index: Int) {
            receiver.asked = asked
            // What the receiver concludes for the master's own connection holds for this one, too.
            if case .error(let text) = reply { connection?.observe(error: text) }
            receiver.receive(reply, at: index)
            if phase.hasInformation {
                // INFO was answered with an error.
                if index == phase.replies { end() }
            } else if index == phase.replies - 1, !isDone {
                beginNext()
            }
        }

        private func beginNext() {
            guard let following = next() else { return end() }
            phase = following
            whenPhaseBegins()
        }

        override func receive(_ information: ReplicationInfo?) {
            receiver.asked = asked
            receiver.receive(information)
            end()
        }

        override func fail(_ failure: RedisFailure) {
            guard !isDone else { return }
            receiver.asked = asked
            receiver.fail(failure)
            end()
        }

        private func end() {
            guard !isDone else { return }
            isDone = true
            connection = nil
            timer?.cancel()
            whenDone()
        }
    }

    private let commandTimeout: Duration
    private let isolatedLoop: NIOIsolatedEventLoop
    /// Makes a connection to the master, not started; its own time-out has to be longer than any wait. Set once.
    var makeConnection: (() -> RedisConnection)?
    /// Whether there is one master, as far as is known. Set once.
    var takesWrites: () -> Bool = { true }
    /// Whether a connection leads to it. Set once.
    var mayUse: (RedisConnection) -> Bool = { _ in true }
    private var connections: [RedisConnection] = []
    /// Those to a former master, until they have answered what they owe.
    private var retired: [ObjectIdentifier: RedisConnection] = [:]
    private var busy: Set<ObjectIdentifier> = []
    private var lastUse: [ObjectIdentifier: NIODeadline] = [:]
    private var queue: CircularBuffer<Entry> = []
    private var sweep: Scheduled<Void>?
    private var isShutDown = false

    /// Must be called on the event loop.
    ///
    /// - Parameter commandTimeout: how long a write may wait for a connection; and how long its replies may take, beyond the wait
    ///   for replicas.
    init(commandTimeout: Duration, eventLoop: any EventLoop) {
        self.commandTimeout = commandTimeout
        self.isolatedLoop = eventLoop.assumeIsolated()
    }

    /// Lets go of every connection, for another server is the master; what waits for one gets one to that.
    func moveToAnotherServer() {
        let old = connections
        connections.removeAll()
        for connection in old {
            lastUse[ObjectIdentifier(connection)] = nil
            retired[ObjectIdentifier(connection)] = connection
            connection.shutDown { self.retired[ObjectIdentifier(connection)] = nil }
        }
        serve()
    }

    /// How many connections there are, and how many of them are in use.
    var usage: (open: Int, busy: Int, queued: Int) { (connections.count, busy.count, queue.count) }

    /// - Parameter next: called after the last reply of a phase without INFO: what is sent behind it, over the same
    ///   connection; `nil` where that was all. The indices of its replies begin at 0 again.
    /// - Throws: ``RedisFailure/overloaded``, ``RedisFailure/shuttingDown``.
    func submit(
        _ receiver: ReplyReceiver, _ phase: ExclusivePhase, next: @escaping () -> ExclusivePhase? = { nil }
    ) throws(RedisFailure) {
        guard !isShutDown else { throw .shuttingDown }
        guard queue.count < Self.queueLimit else { throw .overloaded }
        let entry = Entry(receiver, phase, next: next)
        // In the queue it is surely not applied, which is worth an answer soon: its time for replicas has not begun.
        entry.timer = DeadlineTimer(on: isolatedLoop, in: TimeAmount(commandTimeout)) { self.giveUp(entry) }
        queue.append(entry)
        serve()
    }

    /// Fails what waits, and closes every connection once it has answered what it owes.
    func shutDown(_ completion: @escaping () -> Void) {
        isShutDown = true
        sweep?.cancel()
        let waiting = queue
        queue.removeAll()
        for entry in waiting { entry.fail(.shuttingDown) }
        var open = connections.count
        guard open > 0 else { return completion() }
        for connection in connections {
            connection.shutDown {
                open -= 1
                if open == 0 { completion() }
            }
        }
    }

    /// Has every connection ask for the server's health.
    func checkHealth() { for connection in connections { connection.checkHealth() } }

    /// Lets go of connections that lead to another server than the one that is the master.
    private func dropStrangers() {
        for connection in connections where connection.isReadyForWrites && !isBusy(connection) && !mayUse(connection) {
            connections.removeAll { $0 === connection }
            lastUse[ObjectIdentifier(connection)] = nil
            retired[ObjectIdentifier(connection)] = connection
            connection.shutDown { self.retired[ObjectIdentifier(connection)] = nil }
        }
    }

    /// Gives a connection to each write that waits, as far as there are any.
    func serve() {
        guard takesWrites() else { return }
        dropStrangers()
        while let entry = queue.first {
            guard let connection = connections.first(where: { $0.isReadyForWrites && !isBusy($0) }) else {
                let isFull = connections.count >= Self.connectionsLimit
                // Those that are on their way are enough for some of the writes that wait.
                let coming = connections.count { !$0.isReadyForWrites && !isBusy($0) }
                if !isFull, coming < queue.count { open() }
                return
            }
            queue.removeFirst()
            send(entry, over: connection)
        }
    }

    private func send(_ entry: Entry, over connection: RedisConnection) {
        let id = ObjectIdentifier(connection)
        busy.insert(id)
        entry.connection = connection
        entry.whenPhaseBegins = { [unowned entry] in self.sendPhase(of: entry, over: connection) }
        entry.whenDone = {
            connection.isInTransaction = false
            self.busy.remove(id)
            if self.retired[id] == nil { self.lastUse[id] = .now() }
            self.serve()
        }
        sendPhase(of: entry, over: connection)
    }

    private func sendPhase(of entry: Entry, over connection: RedisConnection) {
        entry.timer?.cancel()
        entry.timer = DeadlineTimer(on: isolatedLoop, in: TimeAmount(entry.phase.wait + commandTimeout)) {
            self.giveUp(entry)
        }
        do {
            try connection.submitWrite(
                entry, replies: entry.phase.replies, information: entry.phase.hasInformation ? .parsed : nil
            ) {
                entry.phase.encode(connection, &$0)
            }
            // Another phase follows one without INFO: until that is sent, the connection may be within a transaction.
            connection.isInTransaction = !entry.phase.hasInformation
        } catch {
            entry.fail(error)
        }
    }

    private func open() {
        guard let connection = makeConnection?() else { return }
        connections.append(connection)
        lastUse[ObjectIdentifier(connection)] = .now()
        connection.whenReady = { self.serve() }
        connection.whenAway = { self.failAll() }
        connection.start()
        if sweep == nil { scheduleSweep() }
    }

    /// No connection is available: those that wait fail now instead of at their deadline.
    private func failAll() {
        guard !connections.contains(where: \.isReadyForWrites) else { return }
        failAll(.notConnected)
    }

    /// Fails those that wait.
    func failAll(_ failure: RedisFailure) {
        let waiting = queue
        queue.removeAll()
        for entry in waiting { entry.fail(failure) }
    }

    /// The write is overdue: it is taken from the queue, or its connection is closed under it.
    private func giveUp(_ entry: Entry) {
        guard !entry.isDone else { return }
        // Closing the connection fails what is in flight on it.
        if let connection = entry.connection { return connection.giveUp() }
        queue.removeAll { $0 === entry }
        entry.fail(busy.isEmpty ? .notConnected : .overloaded)
    }

    private func isBusy(_ connection: RedisConnection) -> Bool { busy.contains(ObjectIdentifier(connection)) }

    private func scheduleSweep() {
        sweep = isolatedLoop.scheduleTask(in: Self.idleTime) {
            self.sweep = nil
            let now = NIODeadline.now()
            let idle = self.connections.filter {
                !self.isBusy($0) && now - (self.lastUse[ObjectIdentifier($0)] ?? now) >= Self.idleTime
            }
            for connection in idle {
                self.lastUse[ObjectIdentifier(connection)] = nil
                connection.shutDown()
            }
            self.connections.removeAll { connection in idle.contains { $0 === connection } }
            if !self.connections.isEmpty { self.scheduleSweep() }
        }
    }
}
