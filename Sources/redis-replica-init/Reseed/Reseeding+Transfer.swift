import Glibc
import Hiredis
import OpenSSL
import RedisCore
import ReplicaPlanning

/// The steps between the replica and this machine.
extension Reseeding {
    /// How long the sync source may take to connect: it tries once a second, and resolves a name first.
    private static let attachSeconds = 15
    /// How long the replicas may take to notice that the placeholder has ended.
    private static let settleMilliseconds = 3000

    mutating func listen() throws(ReseedFailure) {
        let tls = try secureListener()
        do throws(SystemError) {
            placeholder = try PlaceholderServer(at: reseed.ownAddress, continuingAt: copied.place, tls)
        } catch {
            throw .files("\(error); the replicas reach this master there, so nothing else may listen")
        }
    }

    /// What replicas are shown that come over TLS; nil where they come in the clear.
    private func secureListener() throws(ReseedFailure) -> TLSContext? {
        guard let tls = settings.tls else { return nil }
        guard tls.server != nil else {
            throw .files("this master has no certificate to show its replicas: set tls-cert-file and tls-key-file")
        }
        do throws(TLSError) { return try TLSContext(tls.serverConfiguration) } catch { throw .files("\(error)") }
    }

    /// Points the sync source here and waits until it has come.
    mutating func attach() throws(ReseedFailure) {
        let syncSource = reseed.syncSource
        let before = try SyncSourceLink.point(syncSource.address, to: reseed.ownAddress, settings.access)
        guard before == syncSource.follows || before == reseed.ownAddress else {
            _ = try SyncSourceLink.point(syncSource.address, to: before, settings.access)
            throw .transfer("\(syncSource.address) now follows \(before)")
        }
        let begin = Moment.now
        var isGivenPlace = false
        while begin.elapsedSeconds < Self.attachSeconds {
            if Interruption.isWanted { throw .interrupted }
            _ = try placeholder?.turn(milliseconds: 50)
            guard
                case .replica(let replica) = PeerQuestion.ask(
                    syncSource.address.host, syncSource.address.port, settings.access)
            else { continue }
            guard let follows = replica.follows else {
                throw .otherMaster("\(syncSource.address) was promoted just now, and stays a master")
            }
            copied = replica
            placeholder?.place = replica.place
            if replica.isLinkUp, follows == reseed.ownAddress {
                Terminal.complain(["reseed: \(syncSource.address) is attached at offset \(replica.offset)"])
                return
            }
            if placeholder?.hasMetOneWithoutPlace == true, !isGivenPlace, begin.elapsedMilliseconds > 1500 {
                isGivenPlace = true
                _ = try SyncSourceLink.point(
                    syncSource.address, to: reseed.ownAddress, afterPromotion: true, settings.access)
            }
        }
        let refusal = placeholder?.lastRefusal.map { ". A replica that came was refused: \($0)" } ?? ""
        throw .transfer(
            "\(syncSource.address) did not come to \(reseed.ownAddress) within \(Self.attachSeconds) s: a policy may keep replicas from "
                + "this pod\(refusal)")
    }

    mutating func copy() throws(ReseedFailure) {
        let file = CopyFile(
            path: path(settings.data.copyPath), account: plan.privileges.account, source: reseed.syncSource.address)
        let address = reseed.syncSource.address
        let own = ServerProgram.version(of: try? Server.find(plan.servers))
        let stream = try SyncSourceLink.synchronise(address, for: own, settings.access)
        do throws(ReseedFailure) {
            try file.fill(from: stream, &placeholder!)
        } catch .ended(let words) {
            let source = SyncSourceLink.version(of: address, settings.access)
            throw .transfer("\(words): \(own?.explanation(forTransferEndedBy: source) ?? "its log says why")")
        }
        try checkHeader(of: file.path, for: own)
    }

    /// The copy has to end where the sync source is: what it was made from is what was looked at.
    private func checkHeader(of file: String, for own: ServerVersion?) throws(ReseedFailure) {
        let prefix = try onFiles { () throws(SystemError) in try System.read(file, upTo: RDBHeader.prefixBytes) }
        guard let header = RDBHeader(prefix), header.hasKeys else {
            throw .transfer("\(reseed.syncSource.address) sent no RDB with keys in it")
        }
        guard own?.loads(header.format) ?? true else {
            throw .transfer(
                "\(reseed.syncSource.address) sent \(header.format), which \(own!) cannot load: start the replicas' version of the "
                    + "server here, or a newer one")
        }
        guard header.replicationID == copied.replicationID, header.replicationOffset == copied.offset else {
            let offset = header.replicationOffset.map { "\($0)" } ?? "an unknown place"
            throw .transfer(
                "the copy ends at \(offset), and \(reseed.syncSource.address) was at \(copied.offset) of history \(copied.replicationID)"
            )
        }
    }

    func compare() throws(ReseedFailure) {
        let begin = Moment.now
        while true {
            let round = Round(settings)
            let objection = guardian.objection(toCopyOf: copied, at: "\(reseed.syncSource.address)", round.observations)
            guard let objection else { return }
            guard begin.elapsedMilliseconds < Self.settleMilliseconds, !Interruption.isWanted else { throw objection }
            Moment.sleep(milliseconds: 100)
        }
    }
}
