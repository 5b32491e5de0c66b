import KeyValueService
import Logging
import ServiceProgram
import UnixSignals

/// How the process comes to its end.
///
/// SIGTERM comes from an orchestrator. It has other processes for the requests, and needs a moment to notice that this one
/// ends: so requests are accepted for another ``delay``. SIGINT comes from a person who waits for the end; a second
/// signal from one who does not.
struct Drain {
    var delay: Duration
    /// How long what is under way may take after that.
    var timeout: Duration

    /// Waits for the first signal, and returns when nothing is open any more.
    func run(_ server: HTTPServer, _ signals: EndSignals, _ logger: Logger) async {
        let first = await signals.next()
        await server.beginDraining()
        if first == .sigterm, delay > .zero {
            logger.info("SIGTERM received: draining for \(delay.components.seconds) s")
            await withTaskGroup { race in
                race.addTask { try? await Task.sleep(for: delay) }
                race.addTask { _ = await signals.next() }
                await race.next()
                race.cancelAll()
            }
        }
        logger.info("shutting down: finishing the requests under way")
        await server.drain(deadline: timeout)
    }
}
