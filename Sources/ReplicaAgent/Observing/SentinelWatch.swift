import NIOCore
import RedisClient
package import RedisCore

/// How the Sentinels are asked.
public struct SentinelAccess: Sendable {
    package var settings: SentinelSettings
    package var user: [UInt8]?
    package var password: [UInt8]?
    /// As the servers speak it.
    package var usesTLS: Bool

    package init(_ settings: SentinelSettings, user: [UInt8]? = nil, password: [UInt8]? = nil, usesTLS: Bool = false) {
        self.settings = settings
        self.user = user
        self.password = password
        self.usesTLS = usesTLS
    }
}

/// Asks every Sentinel, each over its own connection, which is kept: one that is silent delays no other.
///
/// Lives on its event loop.
final class SentinelWatch {
    /// For one question, the connect included.
    static let limit: Duration = .milliseconds(900)

    let access: SentinelAccess
    /// `nil`: in the clear.
    var tls: RedisTLS?
    private(set) var view: SentinelView
    private let eventLoop: any EventLoop
    private let names: [(given: MasterAddress, name: NameWatch)]
    private var addresses: [[MasterAddress]]
    private var conversations: [MasterAddress: RedisConversation] = [:]
    private var awaited: Set<MasterAddress> = []
    private var isClosed = false

    init(_ access: SentinelAccess, tls: RedisTLS?, eventLoop: any EventLoop) {
        self.access = access
        self.tls = tls
        self.eventLoop = eventLoop
        names = access.settings.sentinels.map { ($0, NameWatch($0.host, eventLoop: eventLoop)) }
        addresses = names.map { _ in [] }
        view = SentinelView(access.settings.sentinels)
    }

    private var now: Duration { BootClock.now() }

    func verdict() -> SentinelVerdict { view.verdict(at: now) }

    var isFailingOver: Bool { view.isFailingOver(at: now) }

    var reports: [SentinelView.Report] { view.reports(at: now) }

    /// Asks those whose answer is not already pending.
    ///
    /// - Parameter completion: called after each answer, and each that did not come.
    func look(_ completion: @escaping () -> Void) {
        for index in names.indices {
            let (given, name) = names[index]
            name.resolve { result in
                guard !self.isClosed else { return }
                switch result {
                case .success(let found):
                    self.addresses[index] = found.map { MasterAddress(host: $0, port: given.port) }
                    let all = zip(self.names, self.addresses).flatMap { $1.isEmpty ? [$0.given] : $1 }
                    self.view.watch(all)
                    for address in self.addresses[index] { self.ask(address, as: given.host, completion) }
                case .failure(let unresolved) where self.addresses[index].isEmpty:
                    self.note(
                        .unknown(.silent("has no address: \(unresolved.reason)")), from: given, askedAt: self.now,
                        completion)
                // Its earlier addresses may still be valid.
                case .failure: for address in self.addresses[index] { self.ask(address, as: given.host, completion) }
                }
            }
        }
    }

    func close() {
        isClosed = true
        for conversation in conversations.values { conversation.close() }
        conversations = [:]
    }

    /// - Parameter time: an answer is as old as its question: the process may have stood still in between.
    private func note(
        _ answer: SentinelAnswer, from sentinel: MasterAddress, askedAt time: Duration, _ completion: () -> Void
    ) {
        view.note(answer, from: sentinel, at: time)
        completion()
    }

    private func ask(_ sentinel: MasterAddress, as name: String, _ completion: @escaping () -> Void) {
        guard awaited.insert(sentinel).inserted else { return }
        let askedAt = now
        if let conversation = conversations[sentinel], conversation.isOpen {
            return ask(conversation, sentinel, logsIn: false, askedAt: askedAt, completion)
        }
        guard let socket = try? SocketAddress(ipAddress: sentinel.host, port: sentinel.port) else {
            awaited.remove(sentinel)
            return note(.unknown(.silent("is no address")), from: sentinel, askedAt: askedAt, completion)
        }
        // Never in the clear where TLS is wanted: a password may go over it.
        guard tls != nil || !access.usesTLS else {
            awaited.remove(sentinel)
            return note(
                .unknown(.silent("is not asked: TLS to it cannot be set up")), from: sentinel, askedAt: askedAt,
                completion)
        }
        let server: RedisConversation.Server = tls == nil ? .address(socket) : .tls(socket, name: name)
        RedisConversation.open(server, tls: tls, timeout: Self.limit / 2, eventLoop: eventLoop) { result in
            switch result {
            case .failure(let failure):
                self.awaited.remove(sentinel)
                self.note(.unknown(.silent(failure.description)), from: sentinel, askedAt: askedAt, completion)
            case .success(let conversation):
                guard !self.isClosed else { return conversation.close() }
                self.conversations[sentinel] = conversation
                self.ask(conversation, sentinel, logsIn: true, askedAt: askedAt, completion)
            }
        }
    }

    private func ask(
        _ conversation: RedisConversation, _ sentinel: MasterAddress, logsIn: Bool, askedAt: Duration,
        _ completion: @escaping () -> Void
    ) {
        let name = access.settings.masterName
        var commands = (SentinelAnswer.commands(for: name) + [SentinelAnswer.quorumCommand(for: name)]).map { words in
            words.map { Array($0.utf8) }
        }
        let count = commands.count
        if logsIn, let password = access.password {
            commands = Answers.logins([(access.user, password)]) + commands
        }
        conversation.ask(commands, within: Self.limit / 2, bytes: 64 << 10, elements: 256) { result in
            self.awaited.remove(sentinel)
            switch result {
            case .failure(let failure):
                conversation.close()
                self.conversations[sentinel] = nil
                self.note(.unknown(.silent(failure.description)), from: sentinel, askedAt: askedAt, completion)
            case .success(let values):
                let replies = values.suffix(count).map { Self.reply($0) }
                let answer = SentinelAnswer(master: replies[0], address: replies[1], quorum: replies[2])
                    .afterLogIn(values.count > count ? Self.reply(values[0]) : nil)
                if case .unknown(.loginRefused) = answer {
                    // Its password may be another one by the next time.
                    conversation.close()
                    self.conversations[sentinel] = nil
                }
                self.note(answer, from: sentinel, askedAt: askedAt, completion)
            }
        }
    }

    private static func reply(_ value: RedisValue) -> SentinelReply {
        switch value {
        case .bulk, .simple: .texts(value.text.map { [$0] } ?? [])
        case .integer: .other
        case .null: .null
        case .error(let text): .error(String(decoding: text, as: UTF8.self))
        case .array(let elements): .texts(elements.map { $0.text ?? "" })
        }
    }
}
