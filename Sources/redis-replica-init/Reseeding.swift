import Glibc
import Hiredis
import ReplicaInit
import Replication

/// Performs a ``Reseed``: step by step, and backwards where one fails. Returns once the data is home.
struct Reseeding: ~Copyable {
    let plan: Plan
    let settings: GuardSettings
    let guardian: BirthGuard
    let reseed: Reseed
    var standIn: StandIn?
    /// The donor as it was while its RDB was made.
    var copied: BirthGuard.Replica

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
                    // A master now, which nobody points anywhere.
                    if case .otherMaster(let words) = error {
                        Terminal.complain(["warning: \(words)"])
                        continue
                    }
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
}

extension BirthGuard.Replica {
    /// Where it would go on.
    var place: ReplicaHandshake.Place {
        ReplicaHandshake.Place(replicationID: replicationID, offset: offset + 1)
    }
}
