import Replication

extension RedisConnection {
    /// Draws the conclusions from an error reply to a command: what it says of the server, rather than of the command, is
    /// known from now on, not only from the next health check.
    ///
    /// - Parameter text: the error without its `-`.
    public func observe(error text: Span<UInt8>) {
        switch text.prefix(upTo: UInt8(ascii: " ")) {
        case "LOADING": health = .loading
        case "MASTERDOWN":
            refusesStaleReads = true
            readSuitability = .unusable(.refusesStaleReads)
        case "READONLY" where wantsMaster:
            isLookingForMaster = true
            perform(machine.writeRefused(commandsInFlight: inFlight > 0))
        case "BUSY": health = .refused("runs a script that takes long and answers nothing else (-BUSY)")
        default: break
        }
    }
}
