public import Replication

/// Brings a master's data home from a replica before redis-server starts: what is done, in which order, and what undoes it.
///
/// | step | what is done | its undo |
/// |---|---|---|
/// | ``Step/remember(_:)`` | a file in the data folder says whom the donor follows | ``Undo/forget`` |
/// | ``Step/listen`` | the master's own address is taken; there everybody but the donor is answered LOADING | ``Undo/stopListening`` |
/// | ``Step/attach`` | the donor is pointed there (REPLICAOF) and told to go on where it is (``ReplicaHandshake``) | ``Undo/release`` |
/// | ``Step/copy`` | its RDB is written to a file of another name, checked and forced to the disk | ``Undo/discard`` |
/// | ``Step/release`` | the donor is pointed back to whom it followed, and nobody stands in any more | none needed |
/// | ``Step/compare`` | every replica is asked again: nobody may be ahead of the copy, or have been promoted | none needed |
/// | ``Step/install(_:)`` | the copy becomes the file that redis-server loads | none: the data is home |
/// | ``Step/forget`` | the file of the first step goes | none |
///
/// No replica is promoted and none takes a write at any time: a replica whose master is a program without data stays
/// read-only. What is changed on the donor is whom it follows, for as long as its RDB is on its way; it follows its master
/// again before the master starts. The other replicas are only asked.
///
/// Whatever fails is undone from the last step that was begun back to the first. Where that cannot be done, since the program
/// was killed, the next start does it: the file of the first step is there as long as a replica may have to be pointed
/// back (``ReseedJournal``).
public struct Reseed: Equatable, Sendable {
    public enum Step: Equatable, Sendable {
        case remember(ReseedJournal)
        case listen
        case attach
        case copy
        case release
        case compare
        case install([FileChange])
        case forget
    }

    public enum Undo: Equatable, Sendable {
        case forget
        case stopListening
        case release
        /// The copy under its other name goes.
        case discard
    }

    public let donor: Donor
    /// Where this program stands in for the master, and the master will be.
    public let ownAddress: MasterAddress
    /// Whom the donor follows, before and after.
    public let home: MasterAddress
    public let steps: [Step]
    public let journal: ReseedJournal

    /// - Parameters:
    ///   - ownAddress: the address by which the donor reaches us.
    ///   - configured: the master's name as the environment has it, if it does.
    ///   - placement: how the copy becomes what redis-server loads.
    public init(
        from donor: Donor, at ownAddress: MasterAddress, configured: MasterAddress?, placement: [FileChange]
    ) {
        self.donor = donor
        self.ownAddress = ownAddress
        // A name is never replaced by an address; an address that an earlier life of this program left there gives way.
        let isLeftOver = configured != nil && Address.isIP(utf8(donor.follows.host))
        home = isLeftOver ? configured ?? donor.follows : donor.follows
        journal = ReseedJournal(replica: donor.address, followed: home, standIn: ownAddress)
        steps = [
            .remember(journal), .listen, .attach, .copy, .release, .compare, .install(placement), .forget,
        ]
    }

    /// What takes back the steps up to and including this one, whether that was finished or not; the first to be done first.
    public func undo(from step: Step) -> [Undo] {
        guard let last = steps.firstIndex(of: step) else { return [] }
        return steps[...last].reversed().compactMap(\.undo)
    }
}

extension Reseed.Step {
    /// nil where nothing has to be taken back.
    public var undo: Reseed.Undo? {
        switch self {
        case .remember: .forget
        case .listen: .stopListening
        case .attach: .release
        case .copy: .discard
        case .release, .compare, .install, .forget: nil
        }
    }
}

/// The replica whose data is brought home.
public struct Donor: Equatable, Sendable {
    /// Where it was asked: an address, no name.
    public var address: MasterAddress
    public var follows: MasterAddress
    public var replica: BirthGuard.Replica

    public init(address: MasterAddress, follows: MasterAddress, replica: BirthGuard.Replica) {
        self.address = address
        self.follows = follows
        self.replica = replica
    }
}

/// Why the data could not be brought home.
public enum ReseedFailure: Error, Equatable, Sendable {
    /// A replica, or what it sent, is not as it has to be.
    case transfer(String)
    /// Somebody else is a master, or became one.
    case otherMaster(String)
    /// The files of this machine.
    case files(String)
    /// We were told to end.
    case interrupted

    /// In words, with the cure.
    public var reason: String {
        switch self {
        case .transfer(let words), .otherMaster(let words), .files(let words): words
        case .interrupted: "the start was ended by a signal before the data was home"
        }
    }
}
