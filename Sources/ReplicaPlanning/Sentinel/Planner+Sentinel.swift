import RedisConf
package import RedisCore

/// Which Sentinels a start asks, and how.
package struct SentinelQuestion: Equatable, Sendable {
    package var settings: SentinelSettings
    package var access: PeerAccess
    /// How long a start waits for an answer, at most (`REDIS_GUARD_TIMEOUT`).
    package var timeoutSeconds: Int
    package var own: OwnPlace
    /// Whether the variables make this server a master.
    package var isMaster: Bool
    /// Whom variables or file name as the master; on a master, the address of its Service.
    package var configured: MasterAddress?
    /// How a name is completed here; nil outside Kubernetes.
    package var namespace: NamespaceSearch?
}

/// What Sentinel said, for the plan that a start goes on with.
package enum SentinelWord: Equatable, Sendable {
    case master(MasterAddress)
    case thisServer
    /// It said nothing that can be followed: the variables decide.
    case nothing
}

extension Planner {
    /// Whether Sentinel's word counts for this server.
    var followsSentinel: Bool { sentinel != nil }

    /// The settings of Sentinel, where it is followed; its word takes the place of the mode.
    mutating func decideSentinel() {
        decideMinimumReplicas()
        let variables = [
            SentinelSettings.hostVariable, SentinelSettings.portVariable, SentinelSettings.masterNameVariable,
        ]
        func text(_ index: Int) -> String? {
            environment[variables[index]].map { String(decoding: $0, as: UTF8.self) }
        }
        do throws(SentinelSettingsFault) {
            sentinel = try SentinelSettings(hosts: text(0), port: text(1), masterName: text(2))
        } catch {
            report(
                .error, .malformedSentinel(problem: error.problem, cure: error.cure), at: .environment(error.variable))
            return
        }
        guard let sentinel else {
            for variable in variables.dropFirst() where environment[variable] != nil {
                report(.note, .sentinelNotNamed, at: .environment(variable))
            }
            return
        }
        let origin = Origin.environment(SentinelSettings.hostVariable)
        guard role != .standalone, !awaitsLeader else {
            report(.warning, .sentinelNotFollowed, at: origin)
            self.sentinel = nil
            return
        }
        let list = sentinel.sentinels.map(\.description).joined(separator: ", ")
        if sentinelWord == nil { report(.note, .sentinelDecides(name: sentinel.masterName, list: list), at: origin) }
        sentinelMode = role
        switch sentinelWord {
        case .master: role = .replica
        case .thisServer: role = .master
        case .nothing, nil: break
        }
    }

    /// `min-replicas-to-write`, for a master that Sentinel may replace: it then refuses writes as soon as it misses its replicas.
    private mutating func decideMinimumReplicas() {
        let variable = "REDIS_SENTINEL_MIN_REPLICAS_TO_WRITE"
        guard let text = environment[variable] else { return }
        guard let count = number(text), 0...1000 ~= count else {
            report(.error, .malformedCount(text, most: 1000), at: .environment(variable))
            return
        }
        guard role != .standalone, !awaitsLeader else { return }
        set("min-replicas-to-write", to: [utf8("\(count)")], from: .environment(variable))
        if count > 0, value("min-replicas-max-lag") == nil {
            set("min-replicas-max-lag", to: [utf8("5")], from: .environment(variable))
        }
    }

    /// What a start asks, once everything else is decided.
    mutating func sentinelQuestion(arguments: [[UInt8]], timeoutSeconds: Int?) -> SentinelQuestion? {
        let user = environment["REDIS_SENTINEL_USERNAME"]
        let password = secret("REDIS_SENTINEL_PASSWORD")?.value
        let usesTLS = switchValue("REDIS_SENTINEL_TLS") ?? false
        guard let sentinel else { return nil }
        if user != nil, password == nil {
            report(
                .error, .variableMissing("REDIS_SENTINEL_PASSWORD"), at: .environment("REDIS_SENTINEL_USERNAME"))
        }
        let arguments = serverArguments(arguments)
        let tls = usesTLS ? sentinelTLS(arguments, folder: dataFolder(arguments)) : nil
        guard let timeoutSeconds else { return nil }
        return SentinelQuestion(
            settings: sentinel,
            access: PeerAccess(credentials: password.map { .init(user: user, password: $0) }, tls: tls),
            timeoutSeconds: timeoutSeconds, own: ownPlace, isMaster: sentinelMode == .master,
            configured: sentinelMode == .master ? guardMasterName() : configuredMaster?.address,
            namespace: namespaceSearch())
    }

    /// As the servers speak TLS; from the variables alone where they speak none.
    private mutating func sentinelTLS(_ arguments: ServerArguments, folder: [UInt8]) -> GuardTLS {
        var tls = tlsSettings(arguments, folder: folder)
        func file(_ variable: String) -> [UInt8]? { environment[variable].map { opened($0) } }
        tls.authorities = tls.authorities ?? file("REDIS_TLS_CA_FILE")
        tls.authoritiesFolder = tls.authoritiesFolder ?? file("REDIS_TLS_CA_DIR")
        if tls.client == nil, let certificate = file("REDIS_TLS_CERT_FILE"), let key = file("REDIS_TLS_KEY_FILE") {
            tls.client = .init(certificate: certificate, key: key, passphrase: secret("REDIS_TLS_KEY_FILE_PASS")?.value)
        }
        if tls.authorities == nil, tls.authoritiesFolder == nil {
            report(.error, .variableMissing("REDIS_TLS_CA_FILE"), at: .environment("REDIS_SENTINEL_TLS"))
        }
        return tls
    }
}
