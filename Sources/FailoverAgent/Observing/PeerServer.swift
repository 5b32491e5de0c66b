import Failover
import NIOCore
import RedisClient

/// Another node's server, as this agent asks it: a connection for questions, and one that hears its agent's answers.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
final class PeerServer {
    let name: String
    let connection: ServerConnection
    private let listener: MessageListener
    var isBeingAsked = false
    /// ``ServerAnswer/server`` of its last answer.
    var server: String?
    /// The server's process whose data its agent counts, and when that one was asked.
    var counted: (run: String, askedAt: Duration)?
    /// Why its server does not answer, as it was told.
    var troubles: Set<String> = []

    init(
        _ member: FailoverMember, logins: [ServerLocation.Login], tls: RedisTLS?, eventLoop: any EventLoop,
        message: @escaping (AgentMessage) -> Void
    ) {
        name = member.name
        let location = ServerLocation(.host(member.host, port: member.port), logins: logins, tls: tls)
        connection = ServerConnection(location, eventLoop: eventLoop)
        listener = MessageListener(location, channel: AgentMessage.answers, eventLoop: eventLoop, message: message)
    }

    /// From the next connection on; logins also where one is open.
    func use(logins: [ServerLocation.Login], tls: RedisTLS?) {
        connection.location.tls = tls
        connection.location.logins = logins
        listener.location = connection.location
    }

    /// Opens what is closed.
    func tend() { listener.tend() }

    func publish(_ question: AgentMessage, within limit: Duration) {
        connection.ask([command("PUBLISH", AgentMessage.questions, question.text)], within: limit) { _ in }
    }

    func close() {
        connection.close()
        listener.close()
    }
}

/// Listens to one channel of one server for as long as it lives.
final class MessageListener {
    private static let timeout = Duration.milliseconds(500)
    /// From the end of a connection to the next attempt.
    private static let pause = TimeAmount.milliseconds(200)

    private let connection: ServerConnection
    private let channel: String
    private let eventLoop: any EventLoop
    private let message: (AgentMessage) -> Void
    private let whenEnded: () -> Void
    private var subscription: RedisSubscription?
    private var isOpening = false
    /// That failed, one after the other.
    private var attempts = 0
    private var isClosed = false
    private var notBefore = NIODeadline.uptimeNanoseconds(0)

    init(
        _ location: ServerLocation, channel: String, eventLoop: any EventLoop,
        message: @escaping (AgentMessage) -> Void, whenEnded: @escaping () -> Void = {}
    ) {
        connection = ServerConnection(location, eventLoop: eventLoop)
        self.channel = channel
        self.eventLoop = eventLoop
        self.message = message
        self.whenEnded = whenEnded
    }

    var location: ServerLocation {
        get { connection.location }
        set { connection.location = newValue }
    }

    var isSubscribed: Bool { subscription?.isSubscribed ?? false }

    func tend() {
        guard !isOpening, subscription == nil, !isClosed, NIODeadline.now() >= notBefore else { return }
        isOpening = true
        connection.find { server in
            guard let server else { return self.ended() }
            RedisSubscription.open(
                server, tls: self.connection.location.tls, logIns: self.login.map { [$0.command] } ?? [],
                channels: [self.channel], timeout: Self.timeout, eventLoop: self.eventLoop
            ) { _, text in
                if let message = AgentMessage(parsing: text) { self.message(message) }
            } end: {
                self.ended()
            } opened: { subscription in
                self.isOpening = false
                if self.isClosed { subscription.close() } else { self.subscription = subscription }
            }
        }
    }

    /// One at a time, as ``ServerConnection`` does: another one after an attempt that failed.
    private var login: ServerLocation.Login? {
        let logins = location.logins
        return logins.isEmpty ? nil : logins[attempts % logins.count]
    }

    private func ended() {
        let wasOpen = isSubscribed
        attempts = wasOpen ? 0 : (attempts + 1) % 1024
        isOpening = false
        subscription = nil
        notBefore = .now() + Self.pause
        if wasOpen, !isClosed { whenEnded() }
    }

    func close() {
        isClosed = true
        subscription?.close()
    }
}
