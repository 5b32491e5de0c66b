public import RedisCore

/// Restores a master's data from a replica before redis-server starts: the steps, their order, and how each is undone.
///
/// | step | what is done | its undo |
/// |---|---|---|
/// | ``Step/remember(_:)`` | a file in the data folder says whom the sync source follows | ``Undo/forget`` |
/// | ``Step/listen`` | listens at the master's address; all but the sync source get LOADING | ``Undo/stopListening`` |
/// | ``Step/attach`` | the sync source is pointed there and continues (``ReplicaHandshake``) | ``Undo/release`` |
/// | ``Step/copy`` | its RDB is written to a file of another name, checked and forced to the disk | ``Undo/discard`` |
/// | ``Step/release`` | the sync source is pointed back to whom it followed, and the placeholder ends | none needed |
/// | ``Step/compare`` | every replica is asked again: none may be ahead of the copy, or have been promoted | none needed |
/// | ``Step/install(_:)`` | the copy becomes the file that redis-server loads | none: the data is restored |
/// | ``Step/forget`` | the file of the first step is removed | none |
///
/// No replica is promoted and none takes a write at any time: a replica whose master is a program without data stays
/// read-only. What is changed on the sync source is whom it follows, for as long as its RDB is on its way; it follows its master
/// again before the master starts. The other replicas are only asked.
///
/// A failure undoes all steps, from the last that was begun back to the first. Where that cannot be done, since the program
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

    public let syncSource: SyncSource
    /// Where this program stands in for the master, and the master will be.
    public let ownAddress: MasterAddress
    /// Whom the sync source follows, before and after.
    public let home: MasterAddress
    public let steps: [Step]
    public let journal: ReseedJournal

    /// - Parameters:
    ///   - ownAddress: the address by which the sync source reaches us.
    ///   - configured: the master's name as the environment has it, if it does.
    ///   - placement: how the copy becomes what redis-server loads.
    public init(
        from syncSource: SyncSource, at ownAddress: MasterAddress, configured: MasterAddress?, placement: [FileChange]
    ) {
        self.syncSource = syncSource
        self.ownAddress = ownAddress
        // A name is never replaced by an address; an address that an earlier life of this program left there gives way.
        let isLeftOver = configured != nil && Address.isIP(utf8(syncSource.follows.host))
        home = isLeftOver ? configured ?? syncSource.follows : syncSource.follows
        journal = ReseedJournal(replica: syncSource.address, followed: home, placeholder: ownAddress)
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

/// The replica whose data is restored: the sync source.
public struct SyncSource: Equatable, Sendable {
    /// Where it was asked: an address, no name.
    public var address: MasterAddress
    public var follows: MasterAddress
    public var replica: StartupGuard.Replica

    public init(address: MasterAddress, follows: MasterAddress, replica: StartupGuard.Replica) {
        self.address = address
        self.follows = follows
        self.replica = replica
    }
}

/// Why the data could not be restored.
public enum ReseedFailure: Error, Equatable, Sendable {
    /// A replica, or what it sent, is not as it has to be.
    case transfer(String)
    /// The replica hung up while its data was on its way, and said nothing.
    case ended(String)
    /// Another server is a master, or became one.
    case otherMaster(String)
    /// The files of this machine.
    case files(String)
    /// A signal ended the start.
    case interrupted

    /// In words, with the cure.
    public var reason: String {
        switch self {
        case .transfer(let words), .ended(let words), .otherMaster(let words), .files(let words): words
        case .interrupted: "a signal ended the start before the data was restored"
        }
    }
}
