import Glibc
import Hiredis
import ReplicaInit
import Replication

/// Performs the birth guard: asks every replica, again and again where it has to, and lets the start go on or ends it.
enum GuardWatch {
    static func perform(_ plan: Plan) throws(Failure) {
        guard let settings = plan.birthGuard else { return }
        signal(SIGPIPE, SIG_IGN)
        Interruption.watch()
        let begin = Moment.now
        var told = Told()
        try Reseeding.releaseLeftOver(settings, since: begin)
        while true {
            // Read anew in every round: who waits may get the data back meanwhile.
            let guardian = BirthGuard(
                data: MasterData(settings.data, files: LiveFiles()), policy: settings.policy,
                timeoutSeconds: settings.timeoutSeconds)
            let known = guardian.verdictWithoutAsking
            let round = Round(known == nil ? settings : nil)
            let verdict =
                known ?? guardian.verdict(round.resolution, round.sightings, elapsedSeconds: begin.elapsedSeconds)
            switch verdict {
            case .start(let note):
                if let note { Terminal.complain(["note: \(note)"]) }
                return
            case .hold(let reasons):
                throw .held(reasons)
            case .askAgain(let why):
                told.tell("waiting (\(begin.elapsedSeconds) s): \(why)", at: begin.elapsedSeconds)
                Moment.sleep(milliseconds: 500)
                if Interruption.isWanted { throw .held([ReseedFailure.interrupted.reason]) }
            case .reseed(let index, let warning, let losses):
                try Reseeding.perform(plan, settings, guardian, round, donor: index, warning, losses)
                // Whoever ended us while the data was put in its place wants no server.
                if Interruption.isWanted { throw .held(["the start was ended by a signal"]) }
                return
            }
        }
    }
}

/// Every replica, asked once.
struct Round {
    private(set) var resolution = BirthGuard.Resolution.unknown
    private(set) var sightings: [(address: String, sighting: BirthGuard.Sighting)] = []
    /// Where each of them was asked.
    private(set) var addresses: [MasterAddress] = []

    /// - Parameter settings: nil: nobody is asked.
    init(_ settings: GuardSettings?) {
        guard let settings else { return }
        for peer in settings.peers {
            switch NameLookUp.addresses(of: peer.host, in: settings.namespace) {
            case .found(let addresses):
                if resolution == .unknown { resolution = .found }
                for address in addresses where !Self.isOwn(address, peer.port, settings) {
                    let place = MasterAddress(host: address, port: peer.port)
                    self.addresses.append(place)
                    sightings.append((place.description, PeerQuestion.ask(address, peer.port, settings.credentials)))
                }
            case .unknown: break
            case .unavailable(let reason): resolution = .unavailable(reason: "\(path(peer.host)): \(reason)")
            }
        }
    }

    private static func isOwn(_ address: String, _ port: Int, _ settings: GuardSettings) -> Bool {
        settings.own.map { path($0.host) == address && $0.port == port } ?? false
    }
}

/// Progress: at once when it changes, else every ten seconds.
private struct Told {
    private var reason = ""
    private var nextSecond = 0

    mutating func tell(_ line: String, at second: Int) {
        let reason = String(line.drop { $0 != ":" })
        guard reason != self.reason || second >= nextSecond else { return }
        self.reason = reason
        nextSecond = second + 10
        Terminal.complain([line])
    }
}
