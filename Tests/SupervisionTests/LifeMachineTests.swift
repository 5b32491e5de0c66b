import Supervision
import Testing

@Suite("The life of a supervised server")
struct LifeMachineTests {
    private static let settings = LifeMachine.Settings(stopLimit: .seconds(25), handoverLimit: .seconds(5))

    private static func running(since time: Duration = .zero) -> LifeMachine {
        var life = LifeMachine(settings, at: .zero)
        life.started(at: time)
        return life
    }

    @Test("a server that ends is started again, less and less often, and after a long life at once again")
    func backoff() {
        var life = LifeMachine(Self.settings, at: .zero)
        var now = Duration.zero
        for wait in [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] {
            life.started(at: now)
            now += .milliseconds(20)
            #expect(life.serverEnded(.signalled(9), at: now) == [.wake(after: .milliseconds(wait))])
            #expect(life.woken(at: now + .milliseconds(wait) - .nanoseconds(1)) == [.wake(after: .nanoseconds(1))])
            now += .milliseconds(wait)
            #expect(life.woken(at: now) == [.start])
        }
        life.started(at: now)
        now += .seconds(30)
        #expect(life.serverEnded(.exited(0), at: now) == [.wake(after: .milliseconds(100))])
    }

    @Test("what a start refuses ends the supervisor with the same code", arguments: [64, 77, 78, 126, 127] as [Int32])
    func refusal(code: Int32) {
        var life = Self.running()
        #expect(life.serverEnded(.exited(code), at: .seconds(1)) == [.end(code)])
        #expect(life.state == .ended)
        // A server that has run for long before is kept.
        life = Self.running()
        _ = life.serverEnded(.signalled(9), at: .seconds(60))
        _ = life.woken(at: .seconds(61))
        life.started(at: .seconds(61))
        #expect(life.serverEnded(.exited(code), at: .seconds(61)) == [.wake(after: .milliseconds(200))])
    }

    @Test("a program that cannot be executed ends the supervisor at the first start")
    func notStarted() {
        var life = LifeMachine(Self.settings, at: .zero)
        #expect(life.notStarted(code: 127, at: .zero) == [.end(127)])
        // Too many processes: that passes.
        life = LifeMachine(Self.settings, at: .zero)
        #expect(life.notStarted(code: nil, at: .zero) == [.wake(after: .milliseconds(100))])
    }

    @Test("told to end: the hand-over, then SIGTERM, then SIGKILL; the limit counts from the order")
    func order() {
        var life = Self.running()
        #expect(life.toldToEnd(at: .seconds(10)) == [.handOver, .wake(after: .seconds(5))])
        #expect(life.handedOver(at: .seconds(12)) == [.terminate, .wake(after: .seconds(23))])
        #expect(life.woken(at: .seconds(15)) == [.wake(after: .seconds(20))])
        #expect(life.woken(at: .seconds(35)) == [.kill])
        #expect(life.serverEnded(.signalled(9), at: .seconds(35)) == [.end(137)])
    }

    @Test("a hand-over that hangs, or a second signal, does not hold up the end")
    func impatience() {
        var life = Self.running()
        _ = life.toldToEnd(at: .zero)
        #expect(life.woken(at: .seconds(5)) == [.terminate, .wake(after: .seconds(20))])
        life = Self.running()
        _ = life.toldToEnd(at: .zero)
        #expect(life.toldToEnd(at: .seconds(1)) == [.terminate, .wake(after: .seconds(24))])
        // What comes late changes nothing.
        #expect(life.handedOver(at: .seconds(2)) == [])
        #expect(life.toldToEnd(at: .seconds(3)) == [])
    }

    @Test("ends with the server's own code, 128 and the number for a signal, and 0 where no server runs")
    func codes() {
        for (end, code) in [(ProcessEnd.exited(0), 0), (.exited(3), 3), (.signalled(15), 143)] as [(ProcessEnd, Int32)]
        {
            var life = Self.running()
            _ = life.toldToEnd(at: .zero)
            _ = life.handedOver(at: .zero)
            #expect(life.serverEnded(end, at: .seconds(1)) == [.end(code)])
            // During the hand-over, too: there is nothing to hand over any more.
            life = Self.running()
            _ = life.toldToEnd(at: .zero)
            #expect(life.serverEnded(end, at: .seconds(1)) == [.end(code)])
        }
        var life = Self.running()
        _ = life.serverEnded(.signalled(11), at: .seconds(1))
        #expect(life.toldToEnd(at: .seconds(1)) == [.end(0)])
        #expect(life.woken(at: .seconds(2)) == [])
    }

    @Test("without time for a hand-over there is none")
    func noHandover() {
        var life = LifeMachine(.init(stopLimit: .seconds(1), handoverLimit: .zero), at: .zero)
        life.started(at: .zero)
        #expect(life.toldToEnd(at: .zero) == [.terminate, .wake(after: .seconds(1))])
    }

    @Test("after the end nothing is done any more")
    func ended() {
        var life = Self.running()
        _ = life.serverEnded(.exited(78), at: .zero)
        #expect(life.toldToEnd(at: .zero) + life.handedOver(at: .zero) + life.woken(at: .seconds(99)) == [])
        #expect(life.serverEnded(.exited(0), at: .zero) == [])
    }

    @Test("a status of waitpid is read as a shell reads it")
    func status() {
        #expect(ProcessEnd(status: 0) == .exited(0))
        #expect(ProcessEnd(status: 78 << 8) == .exited(78))
        #expect(ProcessEnd(status: 9) == .signalled(9))
        // With a core file.
        #expect(ProcessEnd(status: 0x80 | 11) == .signalled(11))
        #expect(ProcessEnd.signalled(15).exitCode == 143)
    }
}
