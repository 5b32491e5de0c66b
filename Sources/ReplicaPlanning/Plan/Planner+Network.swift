import RedisConf

extension Planner {
    /// `port`, and TLS where it is asked for.
    mutating func decidePorts() {
        let plain = port(from: ["REDIS_PORT_NUMBER", "REDIS_PORT"])
        guard switchValue("REDIS_TLS_ENABLED") == true else {
            if let plain { set("port", to: [utf8(String(plain.port))], from: plain.origin) }
            return
        }
        let enabled = Origin.environment("REDIS_TLS_ENABLED")
        require(6, 0, for: "tls-port", at: enabled)
        let tls = port(from: ["REDIS_TLS_PORT_NUMBER"]) ?? (6379, enabled)
        // One port cannot be both: then only TLS is served.
        if let plain, plain.port != tls.port {
            set("port", to: [utf8(String(plain.port))], from: plain.origin)
        } else {
            set("port", to: [utf8("0")], from: enabled)
        }
        set("tls-port", to: [utf8(String(tls.port))], from: tls.origin)
        setFile("tls-cert-file", from: "REDIS_TLS_CERT_FILE", isNeeded: true)
        setFile("tls-key-file", from: "REDIS_TLS_KEY_FILE", isNeeded: true)
        decideClientCertificate()
        if let folder = environment["REDIS_TLS_CA_DIR"] {
            set("tls-ca-cert-dir", to: [folder], from: .environment("REDIS_TLS_CA_DIR"))
        }
        setFile("tls-ca-cert-file", from: "REDIS_TLS_CA_FILE", isNeeded: value("tls-ca-cert-dir") == nil)
        if let clients = switchValue("REDIS_TLS_AUTH_CLIENTS") {
            set("tls-auth-clients", to: [utf8(clients ? "yes" : "no")], from: .environment("REDIS_TLS_AUTH_CLIENTS"))
        }
        if let pass = secret("REDIS_TLS_KEY_FILE_PASS") {
            set("tls-key-file-pass", to: [pass.value], from: pass.origin)
        }
        set("tls-replication", to: [utf8("yes")], from: enabled)
    }

    /// What this server shows its master, where that is another certificate than it shows its clients.
    private mutating func decideClientCertificate() {
        let variables = ["REDIS_TLS_CLIENT_CERT_FILE", "REDIS_TLS_CLIENT_KEY_FILE"]
        guard let given = variables.first(where: { environment[$0] != nil }) else { return }
        require(6, 2, for: "tls-client-cert-file", at: .environment(given))
        // One of the pair in the environment, and the other one in the file, are a pair too.
        setFile("tls-client-cert-file", from: variables[0], isNeeded: true)
        setFile("tls-client-key-file", from: variables[1], isNeeded: true)
        if let pass = secret("REDIS_TLS_CLIENT_KEY_FILE_PASS") {
            set("tls-client-key-file-pass", to: [pass.value], from: pass.origin)
        }
    }

    private mutating func setFile(_ name: DirectiveName, from variable: String, isNeeded: Bool) {
        guard let path = environment[variable] else {
            if isNeeded, value(name) == nil { report(.error, .variableMissing(variable)) }
            return
        }
        if !files.exists(opened(path)) { report(.error, .fileMissing(path: path), at: .environment(variable)) }
        set(name, to: [path], from: .environment(variable))
    }

    /// The port other servers reach this one at; nil if there is none.
    var ownPort: Int? {
        let tls = scalar("tls-port").flatMap(number).flatMap { $0 > 0 ? $0 : nil }
        if isOn("tls-replication"), let tls { return tls }
        guard let port = scalar("port") else { return 6379 }
        return number(port).flatMap { $0 > 0 ? $0 : nil } ?? tls
    }

    /// `bind`, the announced address, and `protected-mode` where others could not reach the server otherwise.
    mutating func decideNetwork() {
        if let bind = environment["REDIS_BIND"], !bind.allSatisfy(isBlank) {
            let addresses = bind.split(whereSeparator: isBlank).map { Array($0) }
            for address in addresses where !isBindable(address) {
                report(.error, .malformedHost(address), at: .environment("REDIS_BIND"))
            }
            set("bind", to: addresses, from: .environment("REDIS_BIND"))
        } else {
            set("bind", to: dialect.bindToAll, from: .preset)
        }
        if role != .standalone { decideAnnouncement() }
        if !hasPassword, value("bind")?.allSatisfy(Address.isLoopback) != true {
            if environment["ALLOW_EMPTY_PASSWORD"] == nil { report(.warning, .unprotected) }
            set("protected-mode", to: [utf8("no")], from: .preset)
        }
    }

    /// What the master lists: by itself it would see the node's address for every replica behind a Service.
    private mutating func decideAnnouncement() {
        if let address = environment["REDIS_REPLICA_IP"] {
            let origin = Origin.environment("REDIS_REPLICA_IP")
            if !Address.isHost(address) { report(.error, .malformedHost(address), at: origin) }
            set("replica-announce-ip", to: [address], from: origin, spelled: dialect.announceAddress)
        } else if let address = environment["POD_IP"] {
            let origin = Origin.environment("POD_IP")
            if !Address.isIP(address) { report(.error, .malformedAddress(address), at: origin) }
            set("replica-announce-ip", to: [address], from: origin, spelled: dialect.announceAddress)
        } else if environment["KUBERNETES_SERVICE_HOST"] != nil, value("replica-announce-ip") == nil {
            report(.note, .podAddressMissing)
        }
        if let port = port(from: ["REDIS_REPLICA_PORT"]) {
            announce(port: port.port, from: port.origin)
        } else if let last = decisions.last, last.directive == "replica-announce-ip", let port = ownPort {
            announce(port: port, from: last.origin)
        }
    }

    private mutating func announce(port: Int, from origin: Origin) {
        set("replica-announce-port", to: [utf8(String(port))], from: origin, spelled: dialect.announcePort)
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (9...13).contains(byte) }

    private func isBindable(_ address: [UInt8]) -> Bool {
        let plain = address.first == UInt8(ascii: "-") ? Array(address.dropFirst()) : address
        return plain == utf8("*") || plain == utf8("::*") || Address.isHost(plain)
    }
}
