import KeyValueService
import Logging
import ServiceProgram
import UnixSignals

/// How the process comes to its end.
///
/// SIGTERM comes from somebody who has others to serve in the meantime, and who needs a moment to see that this one goes:
/// requests are taken for ``delay`` more. SIGINT is a person's, who waits; a second signal is somebody's who does not.
struct Drain {
    var delay: Duration
    /// How long what is under way may take after that.
    var timeout: Duration

    /// Waits for the first signal, and returns when nothing is open any more.
    func run(_ server: HTTPServer, _ signals: EndSignals, _ logger: Logger) async {
        let first = await signals.next()
        await server.beginDraining()
        if first == .sigterm, delay > .zero {
            logger.info("told to end: unready, taking requests for \(delay.components.seconds) s more")
            await withTaskGroup { race in
                race.addTask { try? await Task.sleep(for: delay) }
                race.addTask { _ = await signals.next() }
                await race.next()
                race.cancelAll()
            }
        }
        logger.info("shutting down: finishing what has been asked")
        await server.drain(deadline: timeout)
    }
}
