import Glibc
import RedisCore
import ReplicaPlanning

/// Where threads leave what they found, and the main thread waits for it.
///
/// A thread that still waits for its server when redis-server takes over ends with the program's image.
@safe
final class Board {
    enum Event {
        case addresses(Int, NameLookUp.Outcome)
        case answer(MasterAddress, SentinelAnswer)
    }

    /// What one thread is given: owned by it alone until it has run.
    private final class Work {
        let run: () -> Event
        let board: Board

        init(_ board: Board, _ run: @escaping () -> Event) {
            self.board = board
            self.run = run
        }
    }

    private let reading: CInt
    private let writing: CInt
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    /// Behind ``lock``.
    private var events: [Event] = []

    init() throws(Failure) {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw .system(
                SystemError(action: "open", path: "a pipe", code: errno), cure: "raise the limit of open files",
                exitCode: ExitCode.inputOutput)
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (reading, writing) = (ends[0], ends[1])
        unsafe lock = .allocate(capacity: 1)
        unsafe pthread_mutex_init(lock, nil)
    }

    /// Runs this in its own thread; where there is none to be had, here.
    func run(_ body: @escaping () -> Event) {
        let work = unsafe Unmanaged.passRetained(Work(self, body)).toOpaque()
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                unsafe Board.perform(context)
                return nil
            }, work)
        if status == 0 { pthread_detach(thread) } else { unsafe Board.perform(work) }
    }

    private static func perform(_ pointer: UnsafeMutableRawPointer?) {
        guard let pointer = unsafe pointer else { return }
        let work = unsafe Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue()
        let event = work.run()
        let board = work.board
        unsafe pthread_mutex_lock(board.lock)
        board.events.append(event)
        unsafe pthread_mutex_unlock(board.lock)
        // A full pipe has woken the main thread already.
        var byte: UInt8 = 0
        _ = unsafe write(board.writing, &byte, 1)
    }

    /// What has come, as soon as something has.
    func wait(milliseconds: CInt) -> [Event] {
        var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        if unsafe poll(&entry, 1, milliseconds) > 0 {
            var bytes = [UInt8](repeating: 0, count: 64)
            _ = unsafe read(reading, &bytes, bytes.count)
        }
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        defer { events = [] }
        return events
    }
}
