import Glibc
import Hiredis
import ReplicaInit
import Replication

/// Performs a ``Reseed``: step by step, and backwards where one fails. Returns once the data is home.
struct Reseeding: ~Copyable {
    private let plan: Plan
    private let settings: GuardSettings
    private let guardian: BirthGuard
    private let reseed: Reseed
    private var standIn: StandIn?
    /// The donor as it was while its RDB was made.
    private var copied: BirthGuard.Replica

    /// How long the donor may take to come: it tries once a second, and looks a name up before.
    private static let attachSeconds = 15
    /// How long the replicas may take to notice that nobody stands in any more.
    private static let settleMilliseconds = 3000

    static func perform(
        _ plan: Plan, _ settings: GuardSettings, _ guardian: BirthGuard, _ round: Round, donor index: Int,
        _ warning: String?, _ losses: [String]
    ) throws(Failure) {
        Terminal.complain(losses.map { "reseed: \($0)" })
        if let warning { Terminal.complain(["warning: reseed: \(warning)"]) }
        guard case .replica(let replica) = round.sightings[index].sighting, let follows = replica.follows else {
            throw .held(losses)
        }
        try DataFolder.prepare(plan)
        do throws(ReseedFailure) {
            guard let port = settings.port else {
                throw .transfer("this master has no port without TLS where a replica could come to it")
            }
            let donor = Donor(address: round.addresses[index], follows: follows, replica: replica)
            let own = try Donation.withConnection(to: donor.address, settings.credentials) {
                (connection, _) throws(ReseedFailure) in connection.localHost
            }
            guard let own else { throw .transfer("the way to \(donor.address) cannot be told") }
            var reseeding = Reseeding(
                plan: plan, settings: settings, guardian: guardian,
                reseed: Reseed(
                    from: donor, at: MasterAddress(host: own, port: port), configured: settings.masterName,
                    placement: settings.data.placement(
                        isSurelyMultiPart: settings.isSurelyMultiPart, files: LiveFiles())),
                standIn: nil, copied: replica)
            try reseeding.run()
        } catch {
            throw .held(["\(losses[0]). Bringing the data home failed: \(error.reason)"])
        }
    }

    private mutating func run() throws(ReseedFailure) {
        for step in reseed.steps {
            do throws(ReseedFailure) {
                if Interruption.isWanted { throw .interrupted }
                try perform(step)
            } catch {
                takeBack(reseed.undo(from: step))
                throw error
            }
        }
        Terminal.complain(["reseed: the data is home"])
    }

    private mutating func perform(_ step: Reseed.Step) throws(ReseedFailure) {
        switch step {
        case .remember(let journal): try remember(journal)
        case .listen: try listen()
        case .attach: try attach()
        case .copy: try copy()
        case .release:
            try Self.release(reseed.journal, settings)
            standIn = nil
        case .compare: try compare()
        case .install(let changes): try install(changes)
        case .forget: System.remove(path(settings.data.journalPath))
        }
    }

    /// What cannot be taken back now is by the next start: then the journal stays.
    private mutating func takeBack(_ undos: [Reseed.Undo]) {
        var isReleased = true
        for undo in undos {
            switch undo {
            case .discard: System.remove(path(settings.data.copyPath))
            case .release:
                do throws(ReseedFailure) {
                    try Self.release(reseed.journal, settings)
                } catch {
                    isReleased = false
                    Terminal.complain([
                        "warning: \(reseed.donor.address) could not be pointed back: \(error.reason); the next start does it, or "
                            + "send it REPLICAOF \(reseed.home.host) \(reseed.home.port)"
                    ])
                }
            case .stopListening: standIn = nil
            case .forget: if isReleased { System.remove(path(settings.data.journalPath)) }
            }
        }
    }

    private func remember(_ journal: ReseedJournal) throws(ReseedFailure) {
        try write(settings.data.journalPath, Array(journal.text.utf8))
        try onFiles { () throws(SystemError) in try System.synchronize(path(settings.data.folder)) }
    }

    private mutating func listen() throws(ReseedFailure) {
        do throws(SystemError) {
            standIn = try StandIn(at: reseed.ownAddress, continuingAt: copied.place)
        } catch {
            throw .files("\(error); the replicas reach this master there, so nothing else may listen")
        }
    }

    /// Points the donor here and waits until it has come.
    private mutating func attach() throws(ReseedFailure) {
        let donor = reseed.donor
        let before = try Donation.point(donor.address, to: reseed.ownAddress, settings.credentials)
        guard before == donor.follows || before == reseed.ownAddress else {
            _ = try Donation.point(donor.address, to: before, settings.credentials)
            throw .transfer("\(donor.address) follows \(before) since a moment ago")
        }
        let begin = Moment.now
        var isGivenPlace = false
        while begin.elapsedSeconds < Self.attachSeconds {
            if Interruption.isWanted { throw .interrupted }
            _ = try standIn?.turn(milliseconds: 50)
            guard
                case .replica(let replica) = PeerQuestion.ask(
                    donor.address.host, donor.address.port, settings.credentials)
            else { continue }
            guard let follows = replica.follows else {
                throw .otherMaster("\(donor.address) was promoted this moment, and is left a master")
            }
            copied = replica
            standIn?.place = replica.place
            if replica.isLinkUp, follows == reseed.ownAddress {
                Terminal.complain(["reseed: \(donor.address) is attached at offset \(replica.offset)"])
                return
            }
            if standIn?.hasMetOneWithoutPlace == true, !isGivenPlace, begin.elapsedMilliseconds > 1500 {
                isGivenPlace = true
                _ = try Donation.point(
                    donor.address, to: reseed.ownAddress, afterPromotion: true, settings.credentials)
            }
        }
        throw .transfer(
            "\(donor.address) did not come to \(reseed.ownAddress) within \(Self.attachSeconds) s: a policy may keep replicas from "
                + "this pod, or they take TLS only")
    }

    private mutating func copy() throws(ReseedFailure) {
        let file = CopyFile(
            path: path(settings.data.copyPath), account: plan.privileges.account, source: reseed.donor.address)
        let address = reseed.donor.address
        // The socket lives as long as the connection.
        var refusal: String?
        var connection: BlockingConnection
        do throws(BlockingConnectionError) {
            connection = try PeerQuestion.connect(address.host, address.port, settings.credentials, refusal: &refusal)
        } catch {
            throw .transfer("\(error)")
        }
        let stream = try Donation.synchronise(&connection, address, refusal: refusal)
        try file.fill(from: stream, &standIn!)
        _ = connection
        try checkHeader(of: file.path)
    }

    /// The copy has to end where the donor is: what it was made from is what was looked at.
    private func checkHeader(of file: String) throws(ReseedFailure) {
        let prefix = try onFiles { () throws(SystemError) in try System.read(file, upTo: RDBHeader.prefixBytes) }
        guard let header = RDBHeader(prefix), header.hasKeys else {
            throw .transfer("what \(reseed.donor.address) sent is no RDB with keys in it")
        }
        guard header.replicationID == copied.replicationID, header.replicationOffset == copied.offset else {
            let offset = header.replicationOffset.map { "\($0)" } ?? "an unknown place"
            throw .transfer(
                "the copy ends at \(offset), and \(reseed.donor.address) was at \(copied.offset) of history \(copied.replicationID)"
            )
        }
    }

    private func compare() throws(ReseedFailure) {
        let begin = Moment.now
        while true {
            let round = Round(settings)
            let objection = guardian.objection(toCopyOf: copied, at: "\(reseed.donor.address)", round.sightings)
            guard let objection else { return }
            guard begin.elapsedMilliseconds < Self.settleMilliseconds, !Interruption.isWanted else { throw objection }
            Moment.sleep(milliseconds: 100)
        }
    }

    private func install(_ changes: [FileChange]) throws(ReseedFailure) {
        for change in changes {
            switch change {
            case .makeFolder(let folder):
                guard !System.exists(path(folder)) else { continue }
                try onFiles { () throws(SystemError) in
                    try System.makeFolder(path(folder))
                    try giveToServer(path(folder))
                    try System.synchronize(path(settings.data.folder))
                }
            case .rename(let old, let new):
                try onFiles { () throws(SystemError) in
                    try System.rename(path(old), to: path(new))
                    try System.synchronize(folder(of: new))
                }
            case .write(let file, let contents):
                try write(file, contents)
                try onFiles { () throws(SystemError) in try System.synchronize(folder(of: file)) }
            case .remove(let file): System.remove(path(file))
            }
        }
    }

    /// Whole or not at all, and on the disk.
    private func write(_ file: [UInt8], _ contents: [UInt8]) throws(ReseedFailure) {
        let temporary = path(file) + ".tmp"
        System.remove(temporary)
        try onFiles { () throws(SystemError) in
            let descriptor = try System.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            defer { System.close(descriptor) }
            try System.write(contents, to: descriptor, path: temporary)
            try System.call("write to the disk", temporary) { fsync(descriptor) }
            try giveToServer(temporary)
            try System.rename(temporary, to: path(file))
        }
    }

    private func giveToServer(_ file: String) throws(SystemError) {
        guard let account = plan.privileges.account else { return }
        try System.chown(file, user: account.userID, group: account.groupID)
    }

    private func folder(of file: [UInt8]) -> String {
        let slash = file.lastIndex(of: UInt8(ascii: "/")) ?? 0
        return path(Array(file[..<slash]))
    }

    // MARK: Pointing back

    /// Has the replica follow whom it followed before, if it still follows the stand-in.
    private static func release(_ journal: ReseedJournal, _ settings: GuardSettings) throws(ReseedFailure) {
        let replica = journal.replica
        switch PeerQuestion.ask(replica.host, replica.port, settings.credentials) {
        case .replica(let found):
            guard let follows = found.follows else {
                throw .otherMaster("\(replica) was promoted meanwhile, and is left a master")
            }
            guard follows == journal.standIn, follows != journal.followed else { return }
            let before = try Donation.point(replica, to: journal.followed, settings.credentials)
            guard before == journal.standIn else {
                _ = try Donation.point(replica, to: before, settings.credentials)
                return
            }
        case .refused: throw .transfer("nothing listens at \(replica)")
        case .silent(let reason), .unauthenticated(let reason): throw .transfer("\(replica) cannot be asked: \(reason)")
        case .loading: throw .transfer("\(replica) is loading its data")
        case .notPlain: throw .transfer("\(replica) does not answer in the clear")
        }
    }

    /// Points back what an earlier life of this program could not.
    static func releaseLeftOver(_ settings: GuardSettings, since begin: Moment) throws(Failure) {
        let file = path(settings.data.journalPath)
        guard let contents = try? System.read(file, upTo: 4096) else { return }
        System.remove(path(settings.data.copyPath))
        guard let journal = ReseedJournal(parsing: String(decoding: contents, as: UTF8.self)) else {
            Terminal.complain([
                "warning: \(file) cannot be read, and is removed; see that every replica follows this master"
            ])
            return System.remove(file)
        }
        while true {
            do throws(ReseedFailure) {
                try release(journal, settings)
                return System.remove(file)
            } catch {
                if case .otherMaster = error { return System.remove(file) }
                let state =
                    "\(journal.replica) was left following \(journal.standIn) and cannot be pointed back to "
                    + "\(journal.followed): \(error.reason)"
                if begin.elapsedSeconds >= settings.timeoutSeconds || Interruption.isWanted {
                    // One that is not among the replicas any more is gone; one that is not running is started with its own
                    // configuration.
                    let round = Round(settings)
                    if let index = round.addresses.firstIndex(of: journal.replica),
                        round.sightings[index].sighting != .refused
                    {
                        throw .held([state])
                    }
                    Terminal.complain(["warning: \(state)"])
                    return System.remove(file)
                }
                Terminal.complain(["waiting (\(begin.elapsedSeconds) s): \(state)"])
                Moment.sleep(milliseconds: 1000)
            }
        }
    }
}

extension BirthGuard.Replica {
    /// Where it would go on.
    fileprivate var place: ReplicaHandshake.Place {
        ReplicaHandshake.Place(replicationID: replicationID, offset: offset + 1)
    }
}

/// Runs what is done to files; what fails there ends the reseeding.
@discardableResult
func onFiles<Result>(_ body: () throws(SystemError) -> Result) throws(ReseedFailure) -> Result {
    do throws(SystemError) { return try body() } catch { throw ReseedFailure(error) }
}

extension ReseedFailure {
    init(_ error: SystemError) {
        self = .files(error.code == ENOSPC ? "\(error): give the volume more room" : "\(error)")
    }
}
