import Glibc
import Hiredis
import ReplicaInit
import Replication

/// The steps between the replica and this machine.
extension Reseeding {
    /// How long the donor may take to come: it tries once a second, and looks a name up before.
    private static let attachSeconds = 15
    /// How long the replicas may take to notice that nobody stands in any more.
    private static let settleMilliseconds = 3000

    mutating func listen() throws(ReseedFailure) {
        do throws(SystemError) {
            standIn = try StandIn(at: reseed.ownAddress, continuingAt: copied.place)
        } catch {
            throw .files("\(error); the replicas reach this master there, so nothing else may listen")
        }
    }

    /// Points the donor here and waits until it has come.
    mutating func attach() throws(ReseedFailure) {
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

    mutating func copy() throws(ReseedFailure) {
        let file = CopyFile(
            path: path(settings.data.copyPath), account: plan.privileges.account, source: reseed.donor.address)
        let address = reseed.donor.address
        // The socket lives as long as the connection.
        var refusal: String?
        var connection = try Donation.connect(to: address, settings.credentials, refusal: &refusal)
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

    func compare() throws(ReseedFailure) {
        let begin = Moment.now
        while true {
            let round = Round(settings)
            let objection = guardian.objection(toCopyOf: copied, at: "\(reseed.donor.address)", round.sightings)
            guard let objection else { return }
            guard begin.elapsedMilliseconds < Self.settleMilliseconds, !Interruption.isWanted else { throw objection }
            Moment.sleep(milliseconds: 100)
        }
    }
}
