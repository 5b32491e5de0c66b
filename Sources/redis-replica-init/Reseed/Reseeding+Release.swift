import Glibc
import RedisCore
import ReplicaPlanning

/// Pointing a replica back to whom it followed.
extension Reseeding {
    /// Has the replica follow its earlier master again, if it still follows the placeholder.
    static func release(_ journal: ReseedJournal, _ settings: GuardSettings) throws(ReseedFailure) {
        let replica = journal.replica
        switch PeerQuestion.ask(replica.host, replica.port, settings.access) {
        case .replica(let found):
            guard let follows = found.follows else {
                throw .otherMaster("\(replica) was promoted meanwhile, and stays a master")
            }
            guard follows == journal.placeholder, follows != journal.followed else { return }
            let before = try SyncSourceLink.point(replica, to: journal.followed, settings.access)
            guard before == journal.placeholder else {
                _ = try SyncSourceLink.point(replica, to: before, settings.access)
                return
            }
        case .refused: throw .transfer("nothing listens at \(replica)")
        case .silent(let reason), .unreachable(let reason), .unauthenticated(let reason):
            throw .transfer("\(replica) cannot be asked: \(reason)")
        case .loading, .loadingMaster: throw .transfer("\(replica) is loading its data")
        case .notPlain: throw .transfer("\(replica) does not answer in the clear")
        }
    }

    /// A copy that is not in its place goes.
    static func discard(_ data: DataSettings) {
        System.remove(path(data.copyPath))
        System.removeFolder(path(data.newFolderPath))
    }

    /// Points back what an earlier life of this program could not.
    static func releaseLeftOver(_ settings: GuardSettings, since begin: Moment) throws(Failure) {
        let file = path(settings.data.journalPath)
        guard LiveFiles().size(ofFile: settings.data.journalPath) != nil,
            let contents = try? System.read(file, upTo: 4096)
        else { return }
        discard(settings.data)
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
                    "\(journal.replica) was left following \(journal.placeholder) and cannot be pointed back to "
                    + "\(journal.followed): \(error.reason)"
                if Interruption.isWanted { throw .held([state]) }
                if begin.elapsedSeconds >= settings.timeoutSeconds {
                    // One that is not among the replicas any more is gone; one that is not running is started with its own
                    // configuration.
                    let round = Round(settings)
                    if let index = round.addresses.firstIndex(of: journal.replica),
                        round.observations[index].observation != .refused
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
