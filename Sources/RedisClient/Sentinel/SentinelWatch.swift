import Logging
import NIOCore
import RedisCore

/// Asks all Sentinels, each by itself, and says what follows: one for the process, on one of its event loops.
///
/// Neither thread-safe nor `Sendable`.
final class SentinelWatch {
    /// How long writes wait at the most for a fail-over that a Sentinel has announced and does not confirm when it is asked.
    private static let announcementTime = TimeAmount.seconds(3)

    /// The Sentinels as they are configured.
    private let names: [RedisEndpoint]
    private let masterName: String
    private let access: SentinelConnectionSettings
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let selector: ServerSelector
    /// Called with the master and the healthy replicas, whenever they change.
    private let publish: ([RedisEndpoint]) -> Void
    private var view = SentinelView()
    private var links: [SentinelLink] = []
    private var replicas: [RedisEndpoint: [MasterAddress]] = [:]
    /// What is not right with what each lists or publishes, as it was logged.
    private var troubles: [RedisEndpoint: [Trouble: String]] = [:]
    /// When each last announced a fail-over.
    private var announcements: [RedisEndpoint: NIODeadline] = [:]
    private var word = SentinelWord()
    private var report: SentinelReport
    private var nodes: [RedisEndpoint] = []
    private var toldDoubt: String?
    private var review: Scheduled<Void>?
    private var isStopped = false

    init(
        names: [RedisEndpoint], masterName: String, access: SentinelConnectionSettings, eventLoop: any EventLoop,
        selector: ServerSelector, logger: Logger,
        publish: @escaping ([RedisEndpoint]) -> Void
    ) {
        self.names = names
        self.masterName = masterName
        self.access = access
        self.eventLoop = eventLoop
        self.selector = selector
        self.logger = logger
        self.publish = publish
        report = SentinelReport(masterName: masterName)
        reviewLater(false)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        // While no server takes writes, each tenth of a second counts.
        selector.subscribe { decision in
            bound.eventLoop.execute { bound.value.hurry(decision.absence != nil) }
        }
    }

    /// The Sentinels that there are now.
    func watch(_ found: [ReplicaDiscovery.Found]) {
        guard !isStopped else { return }
        let found = found.prefix(SentinelSettings.maximumSentinels)
        for link in links where !found.contains(where: { $0.endpoint == link.endpoint }) {
            link.stop()
            replicas[link.endpoint] = nil
            troubles[link.endpoint] = nil
            announcements[link.endpoint] = nil
        }
        links = found.map { sentinel in
            if let link = links.first(where: { $0.endpoint == sentinel.endpoint }) { return link }
            let link = SentinelLink(
                to: sentinel.endpoint, name: sentinel.name, masterName: masterName, access: access,
                eventLoop: eventLoop, whenAnswered: { [unowned self] in take($1, from: $0) },
                whenListed: { [unowned self] in take($1, from: $0) },
                whenFailingOver: { [unowned self] in noteFailover(of: $0) },
                whenNotHeard: { [unowned self] in note($1, .subscription, of: $0) })
            link.hurry(true)
            link.start()
            return link
        }
        view.watch(links.map(\.address))
        decide()
    }

    func stop() {
        isStopped = true
        review?.cancel()
        for link in links { link.stop() }
        links = []
    }

    private func hurry(_ isHurried: Bool) {
        for link in links { link.hurry(isHurried) }
    }

    private func take(_ answer: SentinelLink.Answer, from link: SentinelLink) {
        guard !isStopped else { return }
        view.note(answer.answer, from: link.address, at: .uptime)
        // It was asked after it had said so: the answer says whether it goes on.
        if let announced = announcements[link.endpoint], answer.askedAt > announced {
            announcements[link.endpoint] = nil
        }
        decide()
    }

    private func take(_ outcome: SentinelReplicaReader.Outcome, from link: SentinelLink) {
        guard !isStopped else { return }
        switch outcome {
        case .list(let list):
            replicas[link.endpoint] = list.healthy
            note(list.bound.map { "\($0)" }, .list, of: link)
            decide()
        case .refused(let error):
            let command = SentinelReplicas.command(for: masterName)
            let words = SentinelAnswer.Reason(ofError: error, to: command).description
            note("\(words); the replicas that it knows get no reads", .list, of: link)
        case .unreadable(let reason):
            note("gives a list of replicas that cannot be read, so that they get no reads: \(reason)", .list, of: link)
        }
    }

    private enum Trouble { case list, subscription }

    /// Logs it once, until it is over or another one.
    ///
    /// - Parameter words: go on from the Sentinel's address; `nil`: all is right.
    private func note(_ words: String?, _ trouble: Trouble, of link: SentinelLink) {
        guard !isStopped, troubles[link.endpoint]?[trouble] != words else { return }
        troubles[link.endpoint, default: [:]][trouble] = words
        if let words { logger.warning("the Sentinel \(link.endpoint) \(words)") }
    }

    private func noteFailover(of link: SentinelLink) {
        announcements[link.endpoint] = .now()
        decide()
    }

    // MARK: What follows

    private func decide() {
        let now = Duration.uptime
        let verdict = view.verdict(at: now)
        let reports = view.reports(at: now)
        switch verdict {
        case .master(let master, _): follow(master)
        case .unknown(.masterDown(let master, _)): follow(master)
        case .unknown(let doubt):
            let list = names.map(\.description).joined(separator: ", ")
            word.doubt = links.isEmpty ? "no Sentinel has an address yet: \(list)" : doubt.description
            word.isAsking = doubt == .asking
        }
        let isFailingOver = isFailingOver(reports)
        word.isFailingOver = isFailingOver
        note(verdict, reports)
        selector.take(word, report)
        let nodes = word.master.map { [$0] + healthyReplicas(reports, besides: $0) } ?? []
        if !nodes.isEmpty, nodes != self.nodes {
            self.nodes = nodes
            publish(nodes)
        }
        reviewLater(isFailingOver)
    }

    private func follow(_ master: SentinelMaster) {
        let endpoint = RedisEndpoint(master.address)
        if endpoint != word.master {
            logger.info("Sentinel names the master \(endpoint) (\(masterName), epoch \(master.epoch))")
        }
        word.master = endpoint
        word.isAsking = false
        report.epoch = master.epoch
    }

    /// Whether one of them is making another server the master, and the master is still named.
    private func isFailingOver(_ reports: [SentinelView.Report]) -> Bool {
        guard let master = word.master else { return false }
        let now = NIODeadline.now()
        announcements = announcements.filter { now - $0.value < Self.announcementTime }
        return !announcements.isEmpty
            || reports.contains { report in
                guard let named = report.answer?.named, named.isBeingReplaced else { return false }
                return RedisEndpoint(named.address) == master && named.epoch >= self.report.epoch ?? 0
            }
    }

    private func healthyReplicas(_ reports: [SentinelView.Report], besides master: RedisEndpoint) -> [RedisEndpoint] {
        var found: [RedisEndpoint] = []
        for (link, report) in zip(links, reports) {
            guard let named = report.answer?.named, named.epoch == self.report.epoch else { continue }
            for replica in replicas[link.endpoint] ?? [] {
                let endpoint = RedisEndpoint(replica)
                if endpoint != master, !found.contains(endpoint) { found.append(endpoint) }
            }
        }
        // While none answers, those that are known stay; so does a server that was the master a moment ago, until it is listed.
        if found.isEmpty { found = nodes.filter { $0 != master } }
        return Array(found.sorted { $0.description < $1.description }.prefix(ReplicaDiscovery.limit))
    }

    private func note(_ verdict: SentinelVerdict, _ reports: [SentinelView.Report]) {
        report.master = word.master
        report.isFailingOver = word.isFailingOver
        report.sentinels = reports.map { report in
            SentinelReport.Sentinel(
                endpoint: RedisEndpoint(report.sentinel), code: report.answer?.code ?? "asking",
                words: report.answer.map { "\($0)" } ?? "has not answered yet", epoch: report.answer?.named?.epoch)
        }
        for name in names where !links.contains(where: { $0.name == name.host && $0.endpoint.port == name.port }) {
            report.sentinels.append(.init(endpoint: name, code: "silent", words: "has no address yet", epoch: nil))
        }
        guard case .unknown(let doubt) = verdict else {
            report.doubt = nil
            if toldDoubt != nil { logger.info("Sentinel names a master again: \(report.master.map { "\($0)" } ?? "")") }
            toldDoubt = nil
            return
        }
        report.doubt = "\(doubt)"
        guard doubt != .asking, toldDoubt != doubt.code else { return }
        toldDoubt = doubt.code
        let consequence = word.master.map { "\($0) stays the master" } ?? "writes wait until one is named"
        logger.warning("\(doubt); \(consequence)")
    }

    /// Time alone changes something: answers grow old, and announcements.
    private func reviewLater(_ isFailingOver: Bool) {
        review?.cancel()
        guard !isStopped else { return }
        review = eventLoop.assumeIsolated().scheduleTask(in: isFailingOver ? .milliseconds(200) : .seconds(1)) {
            self.decide()
        }
    }
}

extension SentinelLink {
    var address: MasterAddress { MasterAddress(host: endpoint.host, port: endpoint.port) }
}

extension RedisEndpoint {
    init(_ address: MasterAddress) { self.init(host: address.host, port: address.port) }
}

extension Duration {
    /// Of a clock that never goes back.
    fileprivate static var uptime: Duration {
        .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds))
    }
}
