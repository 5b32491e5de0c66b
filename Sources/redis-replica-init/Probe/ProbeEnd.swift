import Glibc

nonisolated(unsafe) private var lock = unsafe pthread_mutex_t()
/// Guarded by ``lock``.
nonisolated(unsafe) private var isCancelled = false
/// Written before the thread begins, and read by it alone.
nonisolated(unsafe) private var plan = (milliseconds: 0, line: "")

/// Ends a probe whose files are on a disk that does not answer: a read of them cannot be given up otherwise.
enum ProbeEnd {
    static func schedule(after milliseconds: Int, saying line: String) {
        unsafe pthread_mutex_init(&lock, nil)
        unsafe plan = (milliseconds, line)
        var thread = pthread_t()
        // Where there is no thread the probe goes without.
        _ = unsafe pthread_create(
            &thread, nil,
            { _ in
                unsafe Moment.sleep(milliseconds: plan.milliseconds)
                // Kept until the end: nothing is printed beside it.
                unsafe pthread_mutex_lock(&lock)
                if unsafe !isCancelled {
                    unsafe Terminal.complain([plan.line])
                    _exit(1)
                }
                unsafe pthread_mutex_unlock(&lock)
                return nil
            }, nil)
    }

    /// What comes has its own deadline.
    static func cancel() {
        unsafe pthread_mutex_lock(&lock)
        unsafe isCancelled = true
        unsafe pthread_mutex_unlock(&lock)
    }
}
