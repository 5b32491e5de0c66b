import NIOCore
import RedisCore

/// Reads that get a connection each, since their replies are large: opened for one read, and closed behind it.
///
/// There are only so many at a time. Further reads wait for their turn, in order, before anything is asked of a server: what
/// waits costs nothing there.
///
/// Lives on its event loop; neither thread-safe nor `Sendable`.
final class OwnConnections {
    /// Reads that may wait; further ones are refused at once.
    static let queueLimit = 1024
    /// How long a read waits at the most before it is asked.
    static let longestWait: TimeAmount = .seconds(10)

    /// One read, from its turn to the end of its connection.
    private final class Entry: ReplyReceiver {
        let receiver: ReplyReceiver
        let endpoint: RedisEndpoint
        let isMaster: Bool
        let replies: Int
        let information: InformationForm?
        let encode: (inout ByteBuffer) -> Void
        let isWanted: () -> Bool
        var timer: Scheduled<Void>?
        var connection: RedisConnection?
        /// Called with the value that was asked for once more; `nil` where it is not large any more, or does not come.
        private var again: ((LargeValue?) -> Void)?
        /// Called once, when nothing more comes.
        var whenDone: () -> Void = {}
        private var isDone = false

        init(
            _ receiver: ReplyReceiver, at reader: RedisLoop.Reader, replies: Int, information: InformationForm?,
            isWanted: @escaping () -> Bool, encode: @escaping (inout ByteBuffer) -> Void
        ) {
            self.receiver = receiver
            self.endpoint = reader.connection.endpoint
            self.isMaster = reader.connection.wantsMaster
            self.replies = replies
            self.information = information
            self.isWanted = isWanted
            self.encode = encode
        }

        override func command(at index: Int) -> RedisCommand { again == nil ? receiver.command(at: index) : .get }

        override func receive(_ reply: RedisReply, at index: Int) {
            receiver.asked = asked
            if let again = takeAgain() {
                again(nil)
                return end()
            }
            receiver.receive(reply, at: index)
            if index == (information == nil ? replies - 1 : replies) { end() }
        }

        override func receive(_ information: ReplicationInfo?) {
            receiver.asked = asked
            receiver.receive(information)
            end()
        }

        override func take(_ value: LargeValue, at index: Int) -> Bool {
            receiver.asked = asked
            value.runID = connection?.runID
            value.whenReleased = { self.end() }
            value.whenAskedAgain = { self.ask($0, again: $1) }
            if let again = takeAgain() {
                again(value)
                return true
            }
            return receiver.take(value, at: index)
        }

        /// Reads the value once more over the same connection, which leads to the same process of the server.
        private func ask(_ encode: (inout ByteBuffer) -> Void, again: @escaping (LargeValue?) -> Void) {
            self.again = again
            do throws(RedisFailure) {
                guard let connection else { throw .notConnected }
                try connection.submit(self, replies: 1, encode)
            } catch {
                fail(error)
            }
        }

        private func takeAgain() -> ((LargeValue?) -> Void)? {
            defer { again = nil }
            return again
        }

        override func fail(_ failure: RedisFailure) {
            guard !isDone else { return }
            receiver.asked = asked
            if let again = takeAgain() { again(nil) } else { receiver.fail(failure) }
            end()
        }

        private func end() {
            guard !isDone else { return }
            isDone = true
            timer?.cancel()
            whenDone()
            whenDone = {}
        }
    }

    private let limit: Int
    private let isolatedLoop: NIOIsolatedEventLoop
    private let makeConnection: (_ endpoint: RedisEndpoint, _ isMaster: Bool) -> RedisConnection
    private var active: [ObjectIdentifier: RedisConnection] = [:]
    private var queue: CircularBuffer<Entry> = []
    private var whenShutDown: (() -> Void)?
    private var isShutDown = false

    /// Must be called on the event loop.
    ///
    /// - Parameters:
    ///   - limit: connections at a time.
    ///   - makeConnection: makes one, not started.
    init(
        limit: Int, eventLoop: any EventLoop,
        makeConnection: @escaping (_ endpoint: RedisEndpoint, _ isMaster: Bool) -> RedisConnection
    ) {
        self.limit = limit
        self.isolatedLoop = eventLoop.assumeIsolated()
        self.makeConnection = makeConnection
    }

    /// How many connections there are, and how many reads wait for one.
    var usage: (open: Int, queued: Int) { (active.count, queue.count) }

    /// - Parameter isWanted: asked when it is the read's turn; it is dropped without a word where it is not.
    /// - Throws: ``RedisFailure/overloaded``, ``RedisFailure/shuttingDown``; the receiver is then not called.
    func submit(
        _ receiver: ReplyReceiver, at reader: RedisLoop.Reader, replies: Int, information: InformationForm?,
        isWanted: @escaping () -> Bool, encode: @escaping (inout ByteBuffer) -> Void
    ) throws(RedisFailure) {
        guard !isShutDown else { throw .shuttingDown }
        guard queue.count < Self.queueLimit else { throw .overloaded }
        let entry = Entry(
            receiver, at: reader, replies: replies, information: information, isWanted: isWanted, encode: encode)
        entry.timer = isolatedLoop.scheduleTask(in: Self.longestWait) {
            self.queue.removeAll { $0 === entry }
            entry.fail(.overloaded)
        }
        queue.append(entry)
        // Never within this call.
        isolatedLoop.execute { self.serve() }
    }

    private func serve() {
        while active.count < limit, let entry = queue.popFirst() {
            entry.timer?.cancel()
            if entry.isWanted() { open(for: entry) }
        }
    }

    private func open(for entry: Entry) {
        let connection = makeConnection(entry.endpoint, entry.isMaster)
        let id = ObjectIdentifier(connection)
        active[id] = connection
        entry.connection = connection
        entry.whenDone = {
            connection.whenReady = nil
            entry.connection = nil
            connection.close { self.closed(id) }
        }
        connection.whenReady = {
            connection.whenReady = nil
            guard entry.isWanted() else { return entry.whenDone() }
            do throws(RedisFailure) {
                try connection.submit(
                    entry, replies: entry.replies, information: entry.information, entry.encode)
            } catch {
                entry.fail(error)
            }
        }
        connection.whenLost = { entry.fail(.notConnected) }
        connection.start()
    }

    private func closed(_ id: ObjectIdentifier) {
        active[id] = nil
        serve()
        if isShutDown, active.isEmpty { finishShutDown() }
    }

    private func finishShutDown() {
        whenShutDown?()
        whenShutDown = nil
    }

    /// Fails what waits, and closes every connection once its read is over.
    func shutDown(_ completion: @escaping () -> Void) {
        isShutDown = true
        whenShutDown = completion
        let waiting = queue
        queue.removeAll()
        for entry in waiting { entry.fail(.shuttingDown) }
        if active.isEmpty { finishShutDown() }
    }
}
