import Glibc
import Hiredis
import RedisCore
import ReplicaPlanning

/// Performs the startup guard: asks every replica, again and again where it has to, and lets the start go on or ends it.
enum GuardWatch {
    /// How the start goes on.
    enum Outcome {
        case asPlanned
        /// As a replica of this master.
        case following(FollowedMaster)
    }

    static func perform(_ plan: Plan) throws(Failure) -> Outcome {
        Interruption.watch()
        guard let settings = plan.startupGuard else { return .asPlanned }
        signal(SIGPIPE, SIG_IGN)
        let begin = Moment.now
        var told = Told()
        var check = DamageCheck(settings.data)
        if !settings.peers.isEmpty { try Reseeding.releaseLeftOver(settings, since: begin) }
        while true {
            // Read in every round: who waits may get the data back meanwhile, or a person removes the file.
            let trace = plan.role == .master ? trace(settings.data) : nil
            let data = MasterData(settings.data, files: LiveFiles())
            let guardian = StartupGuard(
                // A server without replicas has no data brought from elsewhere: redis-server says itself what it refuses.
                data: settings.peers.isEmpty ? data : check.judged(data), policy: settings.policy,
                timeoutSeconds: settings.timeoutSeconds, names: names(settings.peers), trace: trace,
                database: MasterData.firstDatabase(settings.data, files: LiveFiles()),
                savedHistory: MasterData.savedHistory(settings.data, files: LiveFiles()))
            let round = Round(settings, asking: trace)
            switch guardian.verdict(round.resolution, round.observations, elapsedSeconds: begin.elapsedSeconds) {
            case .start(let note, let warning):
                Terminal.complain([note.map { "note: \($0)" }, warning.map { "warning: \($0)" }].compactMap(\.self))
                return .asPlanned
            case .hold(let reasons): throw .held(reasons)
            case .block(let reasons): throw .blocked(reasons)
            case .askAgain(let why):
                told.tell("waiting (\(begin.elapsedSeconds) s): \(why)", at: begin.elapsedSeconds)
                Moment.sleep(milliseconds: 500)
            case .follow(let index, let reason):
                return try follow(settings, guardian, round, index, reason)
            case .reseed(let index, let warning, let losses):
                return try Interruption.isRemembered { () throws(Failure) in
                    try Reseeding.perform(plan, settings, guardian, round, syncSource: index, warning, losses)
                    // The signal that ended us while the data was put in its place asks for no server.
                    if Interruption.isWanted { throw .blocked(["a signal ended the start"]) }
                    return .asPlanned
                }
            }
        }
    }

    /// What an earlier start left in the folder.
    private static func trace(_ data: DataSettings) -> FollowedMaster.Trace? {
        let file = path(data.followedPath)
        guard System.exists(file) else { return nil }
        // To open what is no file may block.
        let isFile = LiveFiles().size(ofFile: data.followedPath) != nil
        let text = isFile ? (try? System.read(file, upTo: 4096)) ?? [] : []
        return FollowedMaster.Trace(String(decoding: text, as: UTF8.self), file: data.followedPath)
    }

    /// Each host once; with its port where it stands for several servers.
    private static func names(_ peers: [GuardSettings.Peer]) -> String? {
        guard !peers.isEmpty else { return nil }
        return peers.map { peer in
            let isOnly = peers.count { $0.host == peer.host } == 1
            return isOnly ? path(peer.host) : "\(MasterAddress(host: path(peer.host), port: peer.port))"
        }.joined(separator: ", ")
    }

    private static func follow(
        _ settings: GuardSettings, _ guardian: StartupGuard, _ round: Round, _ index: Int, _ reason: String
    ) throws(Failure) -> Outcome {
        guard case .replica(let master) = round.observations[index].observation else { throw .held([reason]) }
        let address = round.addresses[index]
        Terminal.complain(["warning: \(reason)", "this server starts as a replica of \(address)"])
        return .following(
            FollowedMaster(
                address: address, replicationID: master.replicationID, secondReplicationID: master.secondReplicationID,
                hasEverything: guardian.isContained(in: master),
                credentials: PeerQuestion.accepted(settings.access, by: address)))
    }
}

/// Every replica, asked once.
struct Round {
    private(set) var resolution = StartupGuard.Resolution.unknown
    private(set) var observations: [(address: String, observation: StartupGuard.Observation)] = []
    /// Where each of them was asked.
    private(set) var addresses: [MasterAddress] = []

    /// - Parameter trace: of a master that this server followed, which is asked too.
    init(_ settings: GuardSettings, asking trace: FollowedMaster.Trace? = nil) {
        guard !settings.peers.isEmpty || trace != nil else { return }
        let own = OwnAddresses(settings)
        for peer in settings.peers {
            switch NameLookUp.addresses(of: peer.host, in: settings.namespace) {
            case .found(let addresses):
                if resolution == .unknown { resolution = .found }
                for address in addresses where !own.contains(address, peer.port) {
                    ask(MasterAddress(host: address, port: peer.port), settings, own)
                }
            case .unknown: break
            case .unavailable(let reason): resolution = .unavailable(reason: "\(path(peer.host)): \(reason)")
            }
        }
        guard case .replica(let master, _) = trace else { return }
        if own.contains(master.host, master.port) {
            addresses.append(master)
            observations.append((master.description, .unreachable(reason: "this server has that address now")))
        } else {
            ask(master, settings, own)
        }
    }

    private mutating func ask(_ place: MasterAddress, _ settings: GuardSettings, _ own: OwnAddresses) {
        guard !addresses.contains(place) else { return }
        addresses.append(place)
        var observation = PeerQuestion.ask(place.host, place.port, settings.access)
        if case .replica(var replica) = observation, let master = replica.follows {
            replica.followsThisServer = master == settings.masterName || own.contains(master.host, master.port)
            observation = .replica(replica)
        }
        observations.append((place.description, observation))
    }
}
