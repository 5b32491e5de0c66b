extension TestNetwork {
    /// How a look-up ends whose name ``setNames(_:on:)`` did not give.
    enum UnknownNames: Hashable, Sendable {
        /// At once: there is no such name (EAI_NONAME).
        case absent
        /// At once: no name server can be asked (EAI_AGAIN).
        case unavailable
        /// As `unavailable`, but after so many seconds in which the server does not answer.
        case silent(seconds: Int)
        /// As the host's ``NameServer`` says, which is asked as a pod asks its own: these domains first.
        case asked(searching: [String])
    }

    /// Sets the addresses of all names on a host, besides `localhost`; programs there see them at their next look-up.
    nonisolated func setNames(_ names: [String: [String]], on host: Host) throws {
        try HostFiles(of: host).setNames(names)
    }

    /// Says how look-ups of unknown names end on a host; `absent` in the beginning.
    ///
    /// Running programs see the change from glibc 2.33 on (older ones read nsswitch.conf once).
    nonisolated func setUnknownNames(_ answer: UnknownNames, on host: Host) throws {
        try HostFiles(of: host).setUnknownNames(answer, silentAddress: host.segment.silentAddress)
    }
}
