import NIOCore
import RedisCore

/// What one process and one Sentinel have to say to each other: a question once a second, ten times a second in a hurry, and the
/// Sentinel's own word when a fail-over begins.
///
/// An answer changes about a second before the message that says so (`+switch-master`), so it is asked. But only a message
/// (`+try-failover`) comes before the next master is promoted: what is written behind that is lost with the old one.
///
/// Lives on its event loop; neither thread-safe nor `Sendable`.
final class SentinelLink {
    /// What it said to one question.
    struct Answer {
        var answer: SentinelAnswer
        var askedAt: NIODeadline
    }

    static let interval = TimeAmount.seconds(1)
    static let hurriedInterval = TimeAmount.milliseconds(100)
    /// From one question for the replicas to the next, at least.
    private static let listInterval = TimeAmount.milliseconds(500)
    /// A subscription of this age has every right.
    private static let longSubscription = TimeAmount.seconds(10)
    /// How long a connect, and an answer, may take.
    static let timeout = Duration.seconds(1)
    /// What it publishes before and after it makes another server the master (redis/redis `src/sentinel.c`).
    private static let channels = [
        "+try-failover", "+elected-leader", "+failover-state-select-slave", "+selected-slave",
        "+failover-state-send-slaveof-noone", "+promoted-slave", "+failover-end", "-failover-abort-not-elected",
        "-failover-abort-no-good-slave", "-failover-abort-slave-timeout", "+switch-master",
    ]

    let endpoint: RedisEndpoint
    /// What the operator calls it, and certificates are checked for.
    let name: String
    private let masterName: String
    private let access: SentinelConnectionSettings
    private let eventLoop: any EventLoop
    private let whenAnswered: (SentinelLink, Answer) -> Void
    private let whenListed: (SentinelLink, SentinelReplicaReader.Outcome) -> Void
    private let whenFailingOver: (SentinelLink) -> Void
    private let whenNotHeard: (SentinelLink, String?) -> Void
    private var conversation: RedisConversation?
    private var subscription: RedisSubscription?
    private var replicas: SentinelReplicaConnection?
    private var isListing = false
    private var listedAt: NIODeadline?
    private var isSubscribing = false
    private var subscribedAt = NIODeadline.uptimeNanoseconds(0)
    private var isAsking = false
    /// Whether it said something by itself meanwhile.
    private var asksAgain = false
    private var isStopped = false
    private var askedAt = NIODeadline.uptimeNanoseconds(0)
    private var timer: Scheduled<Void>?
    /// Whether it is asked ten times a second.
    private var isHurried = false

    init(
        to endpoint: RedisEndpoint, name: String, masterName: String, access: SentinelConnectionSettings,
        eventLoop: any EventLoop,
        whenAnswered: @escaping (SentinelLink, Answer) -> Void,
        whenListed: @escaping (SentinelLink, SentinelReplicaReader.Outcome) -> Void,
        whenFailingOver: @escaping (SentinelLink) -> Void,
        whenNotHeard: @escaping (SentinelLink, String?) -> Void
    ) {
        self.endpoint = endpoint
        self.name = name
        self.masterName = masterName
        self.access = access
        self.eventLoop = eventLoop
        self.whenAnswered = whenAnswered
        self.whenListed = whenListed
        self.whenFailingOver = whenFailingOver
        self.whenNotHeard = whenNotHeard
    }

    /// Asks now, and again and again.
    func start() { ask() }

    func stop() {
        isStopped = true
        timer?.cancel()
        conversation?.close()
        conversation = nil
        subscription?.close()
        subscription = nil
        replicas?.close()
        replicas = nil
    }

    func hurry(_ isHurried: Bool) {
        guard isHurried != self.isHurried else { return }
        self.isHurried = isHurried
        if isHurried, !isAsking { askLater() }
    }

    private func askLater() {
        guard !isStopped else { return }
        timer?.cancel()
        let due = askedAt + (isHurried ? Self.hurriedInterval : Self.interval)
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: max(due, .now())) { self.ask() }
    }

    // MARK: Questions

    private func ask() {
        guard !isStopped, !isAsking else { return }
        isAsking = true
        askedAt = .now()
        if let conversation, conversation.isOpen { return ask(over: conversation, logsIn: false) }
        guard let server else { return end(.unknown(.silent("has no address that can be used"))) }
        RedisConversation.open(server, tls: access.tls, timeout: Self.timeout, eventLoop: eventLoop) { result in
            switch result {
            case .success(let conversation) where self.isStopped: conversation.close()
            case .success(let conversation):
                self.conversation = conversation
                self.ask(over: conversation, logsIn: true)
            case .failure(let failure): self.end(.unknown(.silent(failure.description)))
            }
        }
    }

    private func ask(over conversation: RedisConversation, logsIn: Bool) {
        let logIn = logsIn ? self.logIn : []
        let questions = SentinelAnswer.commands(for: masterName)
        conversation.ask(
            logIn + questions.map { $0.map { Array($0.utf8) } }, within: Self.timeout, bytes: 64 << 10, elements: 256
        ) { result in
            switch result {
            case .success(let values):
                let answers = values.dropFirst(logIn.count).map { $0 }
                let answer = SentinelAnswer(master: SentinelReply(answers[0]), address: SentinelReply(answers[1]))
                self.end(answer.afterLogIn(logIn.isEmpty ? nil : values.first.map { SentinelReply($0) }))
                self.subscribe()
                if answer.named != nil { self.list() }
            case .failure(let failure):
                conversation.close()
                self.conversation = nil
                self.end(.unknown(.silent(failure.description)))
            }
        }
    }

    private func end(_ answer: SentinelAnswer) {
        isAsking = false
        guard !isStopped else { return }
        // It may take another password by now.
        if case .unknown(.loginRefused) = answer {
            conversation?.close()
            conversation = nil
        }
        if asksAgain {
            asksAgain = false
            timer?.cancel()
            timer = eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(0)) { self.ask() }
        } else {
            askLater()
        }
        whenAnswered(self, Answer(answer: answer, askedAt: askedAt))
    }

    /// Asks for the replicas, twice a second at the most, and apart from the question about the master: their list may be of any
    /// length.
    private func list() {
        let now = NIODeadline.now()
        guard !isListing, !isStopped, listedAt.map({ now - $0 >= Self.listInterval }) ?? true, let server else {
            return
        }
        isListing = true
        listedAt = now
        if let replicas, replicas.isOpen { return list(over: replicas, logIns: []) }
        SentinelReplicaConnection.open(server, tls: access.tls, timeout: Self.timeout, eventLoop: eventLoop) {
            connection in
            guard let connection, !self.isStopped else {
                connection?.close()
                self.isListing = false
                return
            }
            self.replicas = connection
            self.list(over: connection, logIns: self.logIn)
        }
    }

    private func list(over connection: SentinelReplicaConnection, logIns: [[[UInt8]]]) {
        connection.ask(SentinelReplicas.command(for: masterName), logIns: logIns, within: Self.timeout) { outcome in
            self.isListing = false
            guard let outcome, !self.isStopped else { return }
            self.whenListed(self, outcome)
        }
    }

    private var server: RedisConversation.Server? {
        guard let address = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) else { return nil }
        return access.tls == nil ? .address(address) : .tls(address, name: name)
    }

    private var logIn: [[[UInt8]]] {
        guard let credentials = access.credentials else { return [] }
        let user = credentials.user.map { [Array($0.utf8)] } ?? []
        return [[Array("AUTH".utf8)] + user + [credentials.password]]
    }

    // MARK: What it says by itself

    private func subscribe() {
        // One that may not PING is closed a second later.
        if subscription?.isSubscribed == true, !isStopped, .now() - subscribedAt > Self.longSubscription {
            whenNotHeard(self, nil)
        }
        guard subscription == nil, !isSubscribing, !isStopped, let server else { return }
        isSubscribing = true
        RedisSubscription.open(
            server, tls: access.tls, logIns: logIn, channels: Self.channels, timeout: Self.timeout,
            eventLoop: eventLoop
        ) { channel, text in
            self.hear(channel, String(decoding: text, as: UTF8.self))
        } refused: { error in
            // What else it refuses it says to the question as well.
            guard error.hasPrefix("NOPERM"), !self.isStopped else { return }
            self.whenNotHeard(self, Self.words(ofRefusal: error))
        } end: {
            self.isSubscribing = false
            self.subscription = nil
        } opened: { subscription in
            self.isSubscribing = false
            self.subscribedAt = .now()
            if self.isStopped { subscription.close() } else { self.subscription = subscription }
        }
    }

    private static func words(ofRefusal error: String) -> String {
        """
        does not let this user SUBSCRIBE (\(printable(error.utf8, limit: 120))), so that a planned fail-over may lose writes: \
        grant +subscribe, +ping, &+* and &-* to it
        """
    }

    /// `+try-failover`: `master NAME 10.0.0.1 6379`; `+selected-slave`: `slave … @ NAME 10.0.0.1 6379`; `+switch-master`: `NAME …`.
    private func hear(_ channel: String, _ text: String) {
        guard !isStopped, text.split(separator: " ").contains(Substring(masterName)) else { return }
        if channel.hasPrefix("+"), channel != "+switch-master", channel != "+failover-end" { whenFailingOver(self) }
        // What has changed is known at once, not a second later.
        asksAgain = isAsking
        guard !isAsking else { return }
        timer?.cancel()
        ask()
    }
}

extension SentinelReply {
    fileprivate init(_ value: RedisValue) {
        switch value {
        case .array(let elements):
            let texts = elements.compactMap(\.word)
            self = texts.count == elements.count ? .texts(texts) : .other
        case .null: self = .null
        case .error(let text): self = .error(String(decoding: text, as: UTF8.self))
        case .bulk, .simple, .integer: self = .other
        }
    }
}

extension RedisValue {
    fileprivate var word: String? {
        switch self {
        case .bulk(let text), .simple(let text): String(decoding: text, as: UTF8.self)
        case .error, .integer, .null, .array: nil
        }
    }
}
