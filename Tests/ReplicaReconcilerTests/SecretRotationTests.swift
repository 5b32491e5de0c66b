import ReplicaReconciler
import Testing

@Suite("The exchange of a server's secrets")
struct SecretRotationTests {
    private typealias Step = SecretRotation.Step

    private static let old = Array("old".utf8)
    private static let new = Array("new".utf8)
    private static let newer = Array("newer".utf8)

    private static func given(_ password: [UInt8]?, user: [UInt8]? = nil) -> SecretRotation.Given {
        SecretRotation.Given(password: password, masterUser: user, masterPassword: password)
    }

    private static func present(_ password: [UInt8], master: [UInt8]? = nil, users: Bool = false)
        -> SecretRotation.Present
    {
        SecretRotation.Present(password: password, masterPassword: master ?? password, hasUserFile: users)
    }

    /// A rotation whose server was seen to have what is given, and that waits 300 s.
    private func rotation(seesMaster: Bool = true) -> SecretRotation {
        var rotation = SecretRotation(Self.given(Self.old), overlap: .seconds(300), seesMaster: seesMaster)
        rotation.see(Self.present(Self.old), at: .zero)
        #expect(rotation.steps(at: .zero) == [])
        return rotation
    }

    @Test("takes both passwords for a while, then the new one alone, and shows it once the master takes it")
    func whole() {
        var rotation = rotation()
        rotation.give(Self.given(Self.new), at: .seconds(10))
        #expect(rotation.steps(at: .seconds(10)) == [.add(Self.new)])
        #expect(rotation.steps(at: .seconds(12)) == [.add(Self.new)], "the same until it is done")
        rotation.done(.add(Self.new), at: .seconds(12))
        #expect(rotation.steps(at: .seconds(14)) == [])
        rotation.seeMaster(takes: true, Self.new)
        #expect(rotation.steps(at: .seconds(16)) == [.show(user: nil, password: Self.new)])
        rotation.done(.show(user: nil, password: Self.new), at: .seconds(16))
        #expect(rotation.isExchangingPassword)
        #expect(!rotation.isExchangingMasterPassword)
        #expect(rotation.steps(at: .seconds(311)) == [])
        #expect(rotation.steps(at: .seconds(312)) == [.takeOnly(Self.new)])
        rotation.done(.takeOnly(Self.new), at: .seconds(313))
        #expect(rotation.steps(at: .seconds(1000)) == [])
        #expect(!rotation.isExchangingPassword)
    }

    @Test("goes on showing the old one to a master that refuses the new one, however long, and says that it is late")
    func refusal() {
        var rotation = rotation()
        rotation.give(Self.given(Self.new), at: .seconds(10))
        rotation.done(.add(Self.new), at: .seconds(10))
        rotation.seeMaster(takes: false, Self.new)
        #expect(!rotation.isMasterLate(at: .seconds(309)))
        #expect(rotation.isMasterLate(at: .seconds(310)))
        #expect(rotation.steps(at: .seconds(5000)) == [.takeOnly(Self.new)])
        rotation.seeMaster(takes: true, Self.new)
        #expect(rotation.steps(at: .seconds(5000)).contains(.show(user: nil, password: Self.new)))
        #expect(!rotation.isMasterLate(at: .seconds(5000)))
    }

    @Test("shows the new one after the overlap where no master was heard of")
    func impatience() {
        var rotation = rotation()
        rotation.give(Self.given(Self.new), at: .seconds(10))
        rotation.done(.add(Self.new), at: .seconds(10))
        rotation.seeMaster(takes: true, Self.old)
        rotation.seeMaster(takes: false, Self.old)
        for second in 10..<310 { #expect(rotation.steps(at: .seconds(second)) == [], "\(second)") }
        #expect(rotation.steps(at: .seconds(310)).contains(.show(user: nil, password: Self.new)))
    }

    @Test("does not count the time in which this process stood still as time in which no master was heard of")
    func stoodStill() {
        var rotation = rotation()
        rotation.give(Self.given(Self.new), at: .seconds(10))
        rotation.done(.add(Self.new), at: .seconds(10))
        for second in 10...100 { #expect(rotation.steps(at: .seconds(second)) == [], "\(second)") }
        // Frozen for an hour. The old password has had its time by then, and that is no observation.
        #expect(rotation.steps(at: .seconds(3700)) == [.takeOnly(Self.new)])
        rotation.done(.takeOnly(Self.new), at: .seconds(3700))
        for second in 3701..<3910 { #expect(rotation.steps(at: .seconds(second)) == [], "\(second)") }
        #expect(rotation.steps(at: .seconds(3910)) == [.show(user: nil, password: Self.new)])
    }

    @Test("shows it at once where no master is looked at")
    func blind() {
        var rotation = rotation(seesMaster: false)
        rotation.give(Self.given(Self.new), at: .seconds(10))
        #expect(rotation.steps(at: .seconds(10)) == [.add(Self.new), .show(user: nil, password: Self.new)])
    }

    @Test("goes on to the newest where one more is given meanwhile, and back where the old one is")
    func overtaken() {
        for last in [Self.newer, Self.old] {
            var rotation = rotation()
            rotation.give(Self.given(Self.new), at: .seconds(10))
            rotation.give(Self.given(last), at: .seconds(12))
            rotation.done(.add(Self.new), at: .seconds(12))
            #expect(rotation.steps(at: .seconds(12)) == [.add(last)], "what was done is not what is due")
            rotation.done(.add(last), at: .seconds(14))
            rotation.seeMaster(takes: true, Self.new)
            #expect(rotation.steps(at: .seconds(14)) == [])
            rotation.seeMaster(takes: true, last)
            #expect(rotation.steps(at: .seconds(14)) == [.show(user: nil, password: last)])
            rotation.done(.show(user: nil, password: Self.new), at: .seconds(14))
            #expect(rotation.steps(at: .seconds(14)) == [.show(user: nil, password: last)])
            #expect(rotation.steps(at: .seconds(314)).contains(.takeOnly(last)))
        }
    }

    @Test("finishes what an earlier run has begun, or no run has")
    func takenUp() {
        var rotation = SecretRotation(Self.given(Self.new), overlap: .seconds(300), seesMaster: true)
        #expect(rotation.isExchangingPassword && rotation.isExchangingMasterPassword, "no server knows yet")
        rotation.see(Self.present(Self.old), at: .seconds(5))
        #expect(rotation.steps(at: .seconds(5)) == [.add(Self.new)])
        rotation.seeMaster(takes: true, Self.new)
        #expect(rotation.steps(at: .seconds(5)) == [.add(Self.new), .show(user: nil, password: Self.new)])
    }

    @Test("has nothing to do for a server that was started with the new ones")
    func started() {
        var rotation = rotation()
        rotation.give(Self.given(Self.new), at: .seconds(10))
        rotation.done(.add(Self.new), at: .seconds(10))
        rotation.see(Self.present(Self.new), at: .seconds(20))
        #expect(rotation.steps(at: .seconds(1000)) == [])
    }

    @Test("leaves a server alone that asks for no password, or has a file of users")
    func others() {
        let servers: [(SecretRotation.Present, SecretRotation.Owner)] = [
            (Self.present([], master: Self.old), .nobody), (Self.present(Self.old, users: true), .userFile),
        ]
        for (server, owner) in servers {
            var rotation = SecretRotation(Self.given(Self.old), overlap: .seconds(300), seesMaster: true)
            rotation.see(server, at: .zero)
            #expect(rotation.owner == owner)
            rotation.give(Self.given(Self.new), at: .seconds(10))
            rotation.seeMaster(takes: true, Self.new)
            // What is shown to the master is the replica's own affair.
            #expect(rotation.steps(at: .seconds(10)) == [.show(user: nil, password: Self.new)])
        }
    }

    @Test("leaves alone what the environment does not give")
    func notGiven() {
        var rotation = SecretRotation(Self.given(nil), overlap: .seconds(300), seesMaster: false)
        rotation.see(Self.present(Self.old), at: .zero)
        #expect(rotation.steps(at: .seconds(1000)) == [])
    }

    @Test("shows the user along with the password, and sees that it is another one")
    func user() {
        let user = Array("replica".utf8)
        var rotation = SecretRotation(Self.given(Self.old, user: user), overlap: .zero, seesMaster: true)
        rotation.see(Self.present(Self.old), at: .zero)
        #expect(rotation.steps(at: .seconds(9)) == [], "a master needs time to be looked at, whatever the overlap")
        #expect(rotation.steps(at: .seconds(10)) == [.show(user: user, password: Self.old)])
        var present = Self.present(Self.old)
        present.masterUser = user
        rotation.see(present, at: .seconds(11))
        #expect(rotation.steps(at: .seconds(100)) == [])
    }

    @Test("has the TLS files read until they were")
    func files() {
        var rotation = rotation()
        rotation.giveTLSFiles()
        #expect(rotation.steps(at: .zero) == [.readTLSFiles])
        #expect(rotation.steps(at: .seconds(2)) == [.readTLSFiles])
        rotation.done(.readTLSFiles, at: .seconds(2))
        #expect(rotation.steps(at: .seconds(4)) == [])
    }

    @Test("says each step without its secret")
    func words() {
        let secret = Array("s3cret".utf8)
        for step in [Step.add(secret), .takeOnly(secret), .show(user: secret, password: secret), .readTLSFiles] {
            #expect(!"\(step)".contains("s3cret") && "\(step)".contains(" ("))
        }
    }
}
