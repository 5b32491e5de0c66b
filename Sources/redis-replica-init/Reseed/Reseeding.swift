import Glibc
import Hiredis
import RedisCore
import ReplicaPlanning

/// Performs a ``Reseed`` step by step, and undoes the steps if one fails. Returns once the data is restored.
struct Reseeding: ~Copyable {
    let plan: Plan
    let settings: GuardSettings
    let guardian: StartupGuard
    let reseed: Reseed
    var placeholder: PlaceholderServer?
    /// The sync source as it was while its RDB was made.
    var copied: StartupGuard.Replica

    static func perform(
        _ plan: Plan, _ settings: GuardSettings, _ guardian: StartupGuard, _ round: Round, syncSource index: Int,
        _ warning: String?, _ losses: [String]
    ) throws(Failure) {
        Terminal.complain(losses.map { "reseed: \($0)" })
        if let warning { Terminal.complain(["warning: reseed: \(warning)"]) }
        guard case .replica(let replica) = round.observations[index].observation, let follows = replica.follows else {
            throw .held(losses)
        }
        try DataFolder.prepare(plan)
        do throws(ReseedFailure) {
            guard let port = settings.port else {
                throw .transfer("this master has no port without TLS where a replica could come to it")
            }
            let syncSource = SyncSource(address: round.addresses[index], follows: follows, replica: replica)
            let own = try SyncSourceLink.withConnection(to: syncSource.address, settings.access) {
                (connection, _) throws(ReseedFailure) in connection.localHost
            }
            guard let own else {
                throw .transfer("the local address of the connection to \(syncSource.address) is unknown")
            }
            var reseeding = Reseeding(
                plan: plan, settings: settings, guardian: guardian,
                reseed: Reseed(
                    from: syncSource, at: MasterAddress(host: own, port: port), configured: settings.masterName,
                    placement: settings.data.placement(
                        aside: settings.data.asideFolder("aside", at: Moment.timeOfDay, files: LiveFiles()),
                        files: LiveFiles())),
                placeholder: nil, copied: replica)
            try reseeding.run()
        } catch {
            throw .held(["\(losses[0]). The restore from replicas failed: \(error.reason)"])
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
        Terminal.complain(["reseed: the data is restored"])
    }

    private mutating func perform(_ step: Reseed.Step) throws(ReseedFailure) {
        switch step {
        case .remember(let journal): try remember(journal)
        case .listen: try listen()
        case .attach: try attach()
        case .copy: try copy()
        case .release:
            try Self.release(reseed.journal, settings)
            placeholder = nil
        case .compare: try compare()
        case .install(let changes):
            try FolderChanges(account: plan.privileges.account).perform(changes)
            FolderChanges.tell(changes)
        case .forget: System.remove(path(settings.data.journalPath))
        }
    }

    /// What cannot be taken back now is by the next start: then the journal stays.
    private mutating func takeBack(_ undos: [Reseed.Undo]) {
        var isReleased = true
        for undo in undos {
            switch undo {
            case .discard: Self.discard(settings.data)
            case .release:
                do throws(ReseedFailure) {
                    try Self.release(reseed.journal, settings)
                } catch {
                    // A master now, which must not be pointed anywhere.
                    if case .otherMaster(let words) = error {
                        Terminal.complain(["warning: \(words)"])
                        continue
                    }
                    isReleased = false
                    Terminal.complain([
                        "warning: \(reseed.syncSource.address) could not be pointed back: \(error.reason); the next start does it, or "
                            + "send it REPLICAOF \(reseed.home.host) \(reseed.home.port)"
                    ])
                }
            case .stopListening: placeholder = nil
            case .forget: if isReleased { System.remove(path(settings.data.journalPath)) }
            }
        }
    }
}

extension StartupGuard.Replica {
    /// Where it would go on.
    var place: ReplicaHandshake.Place {
        ReplicaHandshake.Place(replicationID: replicationID, offset: offset.saturatingAdding(1))
    }
}
