import Glibc
import Hiredis
import ReplicaInit
import Replication

/// Performs the birth guard: asks every replica, again and again where it has to, and lets the start go on or ends it.
enum GuardWatch {
    static func perform(_ plan: Plan) throws(Failure) {
        guard let settings = plan.birthGuard else { return }
        signal(SIGPIPE, SIG_IGN)
        let begin = Moment.now
        var told = Told()
        while true {
            // Read anew in every round: who waits may get the data back meanwhile.
            let guardian = BirthGuard(
                data: MasterData(settings.data, files: LiveFiles()), policy: settings.policy,
                timeoutSeconds: settings.timeoutSeconds)
            switch guardian.verdictWithoutAsking ?? ask(settings, guardian, since: begin) {
            case .start(let note):
                if let note { Terminal.complain(["note: \(note)"]) }
                return
            case .hold(let reasons):
                throw .held(reasons)
            case .askAgain(let why):
                told.tell("waiting (\(begin.elapsedSeconds) s): \(why)", at: begin.elapsedSeconds)
                Moment.sleep(milliseconds: 500)
            }
        }
    }

    private static func ask(_ settings: GuardSettings, _ guardian: BirthGuard, since begin: Moment)
        -> BirthGuard.Verdict
    {
        var resolution = BirthGuard.Resolution.unknown
        var sightings: [(address: String, sighting: BirthGuard.Sighting)] = []
        for peer in settings.peers {
            switch NameLookUp.addresses(of: path(peer.host)) {
            case .found(let addresses):
                if resolution == .unknown { resolution = .found }
                for address in addresses where !isOwn(address, peer.port, settings) {
                    let name = address.contains(":") ? "[\(address)]:\(peer.port)" : "\(address):\(peer.port)"
                    sightings.append((name, PeerQuestion.ask(address, peer.port, settings.credentials)))
                }
            case .unknown: break
            case .unavailable(let reason): resolution = .unavailable(reason: "\(path(peer.host)): \(reason)")
            }
        }
        return guardian.verdict(resolution, sightings, elapsedSeconds: begin.elapsedSeconds)
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

/// A point on the monotonic clock. Swift's own clocks would link its concurrency into the program.
struct Moment {
    private let seconds: Int

    static var now: Moment {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(seconds: time.tv_sec)
    }

    var elapsedSeconds: Int { Moment.now.seconds - seconds }

    static func sleep(milliseconds: Int) {
        var left = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        var wanted = left
        while unsafe nanosleep(&wanted, &left) == -1, errno == EINTR { wanted = left }
    }
}
