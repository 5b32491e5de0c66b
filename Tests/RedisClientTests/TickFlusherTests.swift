import NIOCore
import NIOPosix
import RedisClient
import Testing

@Suite("The time of a tick")
struct TickFlusherTests {
    @Test func `is the same within a tick, and read again by the first caller in the next one`() async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let flusher = try await eventLoop.submit {
            NIOLoopBound(TickFlusher(eventLoop: eventLoop), eventLoop: eventLoop)
        }
        .get()
        let (first, later) = try await eventLoop.submit {
            let first = flusher.value.begin()
            Self.letTimePass()
            return (first, flusher.value.begin())
        }.get()
        #expect(first == later)
        // The loop may be woken by anything: here only by a task that asks.
        let (before, next) = try await eventLoop.submit { (NIODeadline.now(), flusher.value.begin()) }.get()
        #expect(next >= before)
    }

    private static func letTimePass() {
        let start = NIODeadline.now()
        while NIODeadline.now() - start < .milliseconds(2) {}
    }
}
