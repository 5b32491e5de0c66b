import RedisClient
import ReplicaPlanning
import ReplicaReconciler

extension Sidecar {
    typealias Credentials = [(user: [UInt8]?, password: [UInt8])]

    /// As many as may be tried, however often a Secret changes before a server knows.
    static let maximumCredentials = 4

    /// How the local server is logged in to.
    static func credentials(of target: SidecarTarget) -> Credentials {
        target.local.password.map { [(target.local.user, $0)] } ?? []
    }

    /// The same while it is unknown whether the server got the newest: followed by those that it may have been started with.
    static func firstCredentials(of target: SidecarTarget) -> Credentials {
        guard target.password != nil else { return credentials(of: target) }
        return credentials(of: target) + target.earlierPasswords.map { (nil, $0) }
    }

    /// What the master is shown.
    static func masterCredentials(of target: SidecarTarget) -> Credentials {
        target.masterPassword.map { [(target.masterUser, $0)] } ?? []
    }
}

extension SecretRotation.Given {
    init(_ target: SidecarTarget) {
        self.init(
            password: target.password, masterUser: target.givenMasterUser, masterPassword: target.givenMasterPassword)
    }
}

extension SecretRotation.Present {
    /// - Parameter values: of requirepass, masteruser, masterauth and aclfile.
    init(_ values: [[UInt8]]) {
        self.init(
            password: values[0], masterUser: values[1], masterPassword: values[2], hasUserFile: !values[3].isEmpty)
    }
}

extension RedisValue {
    /// The value in an answer to `CONFIG GET name`; empty where the server does not know it.
    var configuredValue: [UInt8] {
        guard case .array(let pair) = self, pair.count == 2, case .bulk(let value) = pair[1] else { return [] }
        return value
    }
}
