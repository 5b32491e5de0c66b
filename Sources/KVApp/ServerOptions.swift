import ArgumentParser

struct ServerOptions: ParsableArguments {
    @Option(help: "Where to listen; default HOST, else all interfaces.")
    var host: String?

    @Option(help: "The port, 0…65535; default PORT, else 8080. With 0 the kernel chooses one.")
    var port: Int?

    @Flag(help: "Share the port with other processes (SO_REUSEPORT); the kernel spreads the connections.")
    var sharePort = false

    @Option(help: "How many event loops, 1…1024; default one a core.")
    var eventLoops: Int?

    @Option(help: "How many seconds a shutdown may take before what is still open is closed.")
    var drainSeconds = 20

    func validate() throws {
        if let port, !(0...65535 ~= port) { throw ValidationError("--port \(port) is not in 0…65535.") }
        if host == "" { throw ValidationError("--host is empty; leave it out for all interfaces.") }
        if let eventLoops, !(1...1024 ~= eventLoops) {
            throw ValidationError("--event-loops \(eventLoops) is not in 1…1024.")
        }
        if !(0...3600 ~= drainSeconds) { throw ValidationError("--drain-seconds \(drainSeconds) is not in 0…3600.") }
    }
}
