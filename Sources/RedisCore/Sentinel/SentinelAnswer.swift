/// A reply to one of the two commands, as far as it matters here.
package enum SentinelReply: Equatable, Sendable {
    /// An array of texts; a single text is an array of one.
    case texts([String])
    case null
    /// The line behind the `-`.
    case error(String)
    /// Anything else: no Sentinel says it.
    case other
}

/// The master as one Sentinel names it.
package struct SentinelMaster: Equatable, Sendable {
    package var address: MasterAddress
    /// Grows with every fail-over. Sentinels adopt the address with the higher one from each other, so of two addresses the
    /// one with the higher epoch is the newer.
    package var epoch: UInt64
    /// How many Sentinels have to call it down.
    package var quorum: Int
    /// How many Sentinels this one knows, besides itself.
    package var otherSentinels: Int
    /// How many replicas it knows, healthy or not.
    package var replicas: Int
    /// Whether this Sentinel reaches a majority of all, and so knows of every fail-over (`SENTINEL CKQUORUM`); `nil`: it was
    /// not asked.
    package var reachesMajority: Bool?
    /// This Sentinel leads a fail-over that is not over: a replica may be a master already that it does not name yet.
    package var isFailingOver = false
    /// It does, and still names the former master: another server takes its place in a moment.
    package var isBeingReplaced = false
    /// Whether it was asked for its majority, and does not let this user ask; then ``reachesMajority`` is `false`.
    package var isMajorityForbidden = false

    package init(_ address: MasterAddress, epoch: UInt64, quorum: Int = 0, otherSentinels: Int = 0, replicas: Int = 0) {
        self.address = address
        self.epoch = epoch
        self.quorum = quorum
        self.otherSentinels = otherSentinels
        self.replicas = replicas
    }
}

/// What one Sentinel says.
package enum SentinelAnswer: Equatable, Sendable {
    case master(SentinelMaster)
    /// It names no master that could be followed; why.
    case unknown(Reason)

    package enum Reason: Equatable, Sendable {
        /// No answer within the deadline, or no connection; how that is known.
        case silent(String)
        /// It has no master of this name.
        case unknownName
        /// An empty host or port 0: it cannot resolve the name of the master.
        case noAddress
        /// It takes the master that it names for down (`s_down`, `o_down`), or a fail-over is about to begin.
        case masterDown(SentinelMaster, flags: [String])
        /// It wants a login, or another one; its error.
        case loginRefused(String)
        /// Its ACL does not let this user run a command.
        ///
        /// - Parameter command: its first two words.
        case forbidden(command: [String])
        /// It is a redis-server; its error.
        case notASentinel
        /// Any other error of it, or an answer that no Sentinel gives.
        case refused(String)
    }

    /// What to send, in this order and in one go. Only `MASTER` has the epoch. Its address is not of use: the Sentinel that
    /// leads a fail-over raises the epoch about a second before it says the new address there, while the other command has
    /// it at once. Asked in this order, a change in between gives a new address with an old epoch, never the reverse.
    package static func commands(for masterName: String) -> [[String]] {
        [["SENTINEL", "MASTER", masterName], ["SENTINEL", "get-master-addr-by-name", masterName]]
    }

    /// A third command: whether this Sentinel reaches enough others. Where one address is all that is known of the Sentinels, as
    /// that of a Service, it takes the place of asking the others.
    package static func quorumCommand(for masterName: String) -> [String] { ["SENTINEL", "CKQUORUM", masterName] }

    /// - Parameters:
    ///   - master: the reply to the first command.
    ///   - address: the reply to the second one.
    ///   - quorum: the reply to ``quorumCommand(for:)``; `nil` where it was not asked.
    package init(master: SentinelReply, address: SentinelReply, quorum: SentinelReply? = nil) {
        do throws(Fault) {
            // The name is not of use to tell which command was refused.
            let commands = Self.commands(for: "")
            let fields = try Self.texts(master, to: commands[0])
            let words = try Self.texts(address, to: commands[1])
            self = try Self.read(fields: fields, address: words, quorum: quorum)
        } catch {
            self = .unknown(error.reason)
        }
    }

    private struct Fault: Error { var reason: Reason }

    /// What it said to the log-in itself, where that was refused, says more than that a command was.
    ///
    /// - Parameter reply: to AUTH; `nil` where none was sent.
    package func afterLogIn(_ reply: SentinelReply?) -> SentinelAnswer {
        guard case .error(let line)? = reply else { return self }
        switch self {
        case .unknown(.loginRefused), .unknown(.forbidden):
            return .unknown(.loginRefused(printable(line.utf8, limit: 120)))
        case .master, .unknown: return self
        }
    }

    private static func texts(_ reply: SentinelReply, to command: [String]) throws(Fault) -> [String] {
        switch reply {
        case .texts(let texts): return texts
        case .null: throw Fault(reason: .unknownName)
        case .error(let line): throw Fault(reason: Reason(ofError: line, to: command))
        case .other: throw Fault(reason: .refused("an answer that no Sentinel gives"))
        }
    }

    private static func read(
        fields: [String], address: [String], quorum: SentinelReply?
    ) throws(Fault) -> SentinelAnswer {
        func value(_ name: String) -> String? {
            var index = 0
            while index + 1 < fields.count {
                if fields[index] == name { return fields[index + 1] }
                index += 2
            }
            return nil
        }
        func count(_ name: String) -> Int {
            guard let text = value(name), let number = Int(text), 0...65535 ~= number else { return 0 }
            return number
        }
        guard let epochText = value("config-epoch"), let epoch = UInt64(epochText), let flagsText = value("flags")
        else {
            throw Fault(reason: .refused("an answer without config-epoch and flags"))
        }
        guard address.count == 2 else { throw Fault(reason: .refused("an answer without host and port")) }
        guard HostForm.isHost(Array(address[0].utf8)), let port = Int(address[1]), 1...65535 ~= port else {
            throw Fault(reason: .noAddress)
        }
        var master = SentinelMaster(
            MasterAddress(host: address[0], port: port), epoch: epoch, quorum: count("quorum"),
            otherSentinels: count("num-other-sentinels"), replicas: count("num-slaves"))
        master.reachesMajority = quorum.map {
            if case .texts(let line) = $0 { line.count == 1 && line[0].hasPrefix("OK ") } else { false }
        }
        if case .error(let line)? = quorum { master.isMajorityForbidden = line.hasPrefix("NOPERM") }
        let flags = flagsText.split(separator: ",").map { String($0) }
        master.isFailingOver = flags.contains("failover_in_progress")
        guard flags.contains("master") else { throw Fault(reason: .refused("flags that no master has")) }
        // In a fail-over that has its new master, the flags are still those of the old one.
        let isAboutNamed = value("ip") == address[0] && value("port") == address[1]
        master.isBeingReplaced = isAboutNamed && master.isFailingOver
        let down = flags.filter { ["s_down", "o_down"].contains($0) }
        guard down.isEmpty || !isAboutNamed else { throw Fault(reason: .masterDown(master, flags: flags)) }
        return .master(master)
    }
}

extension SentinelAnswer {
    /// The master that it names, down or not.
    package var named: SentinelMaster? {
        switch self {
        case .master(let master), .unknown(.masterDown(let master, _)): master
        case .unknown: nil
        }
    }

    /// For metrics, documents and programs: stable.
    package var code: String {
        switch self {
        case .master: "names-master"
        case .unknown(.silent): "silent"
        case .unknown(.unknownName): "unknown-name"
        case .unknown(.noAddress): "no-address"
        case .unknown(.masterDown): "master-down"
        case .unknown(.loginRefused): "login-refused"
        case .unknown(.forbidden): "no-permission"
        case .unknown(.notASentinel): "not-a-sentinel"
        case .unknown(.refused): "refused"
        }
    }
}

extension SentinelAnswer: CustomStringConvertible {
    /// What a log says behind the Sentinel's address.
    package var description: String {
        switch self {
        case .master(let master): "names \(master.address), epoch \(master.epoch)"
        case .unknown(let reason): reason.description
        }
    }
}

extension SentinelAnswer.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .silent(let how): how
        case .unknownName: "has no master of this name; check \(SentinelSettings.masterNameVariable)"
        case .noAddress: "has no address for the master: check 'resolve-hostnames' and the name in its file"
        case .masterDown(let master, let flags):
            "takes the master \(master.address) for down (\(printable(flags.joined(separator: ",").utf8, limit: 120)))"
        case .loginRefused(let error):
            "refuses the login: \(error); check REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD"
        case .forbidden(let command):
            "does not let this user run \(Self.name(of: command)) (NOPERM): grant \(Self.right(to: command)) to it"
        case .notASentinel: "is no Sentinel: name the Sentinels (port 26379), not the redis-servers (6379)"
        case .refused(let error): "gives no usable answer: \(error)"
        }
    }
}

extension SentinelMaster {
    /// Why it is unknown whether it reaches the others, and what to do; `nil` where it said so or was not asked.
    package var forbiddenMajority: String? {
        let command = Array(SentinelAnswer.quorumCommand(for: "").prefix(2))
        return isMajorityForbidden ? "the Sentinel \(SentinelAnswer.Reason.forbidden(command: command))" : nil
    }
}

extension SentinelAnswer.Reason {
    /// - Parameters:
    ///   - line: an error, without its `-`.
    ///   - command: what it answers.
    package init(ofError line: String, to command: [String]) {
        let lowercased = line.lowercased()
        let shown = printable(line.utf8, limit: 120)
        func begins(with beginnings: String...) -> Bool { beginnings.contains { lowercased.hasPrefix($0) } }
        self =
            if begins(with: "err no such master") {
                .unknownName
            } else if begins(with: "err unknown command") {
                .notASentinel
            } else if begins(with: "noperm") {
                .forbidden(command: Array(command.prefix(2)))
            } else if begins(with: "noauth", "wrongpass", "denied", "err auth", "err invalid password") {
                .loginRefused(shown)
            } else {
                .refused(shown)
            }
    }

    private static func name(of command: [String]) -> String { command.joined(separator: " ") }

    /// What a user needs to run it: `+sentinel|master`.
    package static func right(to command: [String]) -> String {
        "+" + command.prefix(2).joined(separator: "|").lowercased()
    }
}
