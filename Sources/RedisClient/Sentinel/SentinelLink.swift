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
        /// Healthy replicas, by its word.
        var replicas: [MasterAddress]
        var askedAt: NIODeadline
    }

    static let interval = TimeAmount.seconds(1)
    static let hurriedInterval = TimeAmount.milliseconds(100)
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
    private let whenFailingOver: (SentinelLink) -> Void
    private var conversation: RedisConversation?
    private var subscription: RedisSubscription?
    private var isSubscribing = false
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
        whenAnswered: @escaping (SentinelLink, Answer) -> Void, whenFailingOver: @escaping (SentinelLink) -> Void
    ) {
        self.endpoint = endpoint
        self.name = name
        self.masterName = masterName
        self.access = access
        self.eventLoop = eventLoop
        self.whenAnswered = whenAnswered
        self.whenFailingOver = whenFailingOver
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
        let questions =
            SentinelAnswer.commands(for: masterName) + [SentinelReplica.command(for: masterName)]
        conversation.ask(
            logIn + questions.map { $0.map { Array($0.utf8) } }, within: Self.timeout, elements: 16_384
        ) { result in
            switch result {
            case .success(let values):
                let answers = values.dropFirst(logIn.count).map { $0 }
                var answer = SentinelAnswer(master: SentinelReply(answers[0]), address: SentinelReply(answers[1]))
                if case .unknown(.loginRefused) = answer, let first = values.first, case .error = first, !logIn.isEmpty
                {
                    // What it said to the log-in itself says more than that there was none.
                    answer = SentinelAnswer(master: SentinelReply(first), address: .other)
                }
                self.end(answer, replicas: SentinelReplica.healthy(answers[2].lists))
                self.subscribe()
            case .failure(let failure):
                conversation.close()
                self.conversation = nil
                self.end(.unknown(.silent(failure.description)))
            }
        }
    }

    private func end(_ answer: SentinelAnswer, replicas: [MasterAddress] = []) {
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
        whenAnswered(self, Answer(answer: answer, replicas: replicas, askedAt: askedAt))
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
        guard subscription == nil, !isSubscribing, !isStopped, let server else { return }
        isSubscribing = true
        RedisSubscription.open(
            server, tls: access.tls, logIns: logIn, channels: Self.channels, timeout: Self.timeout,
            eventLoop: eventLoop
        ) { channel, text in
            self.hear(channel, String(decoding: text, as: UTF8.self))
        } end: {
            self.isSubscribing = false
            self.subscription = nil
        } opened: { subscription in
            self.isSubscribing = false
            if self.isStopped { subscription.close() } else { self.subscription = subscription }
        }
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

    /// Of an array of arrays, the words of each.
    fileprivate var lists: [[String]] {
        guard case .array(let elements) = self else { return [] }
        return elements.map { element in
            guard case .array(let words) = element else { return [] }
            return words.compactMap(\.word)
        }
    }
}
