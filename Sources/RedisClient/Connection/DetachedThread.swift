import Glibc

/// A thread that does one thing and ends.
public final class DetachedThread {
    private let body: @Sendable () -> Void

    private init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// - Returns: whether there was a thread to be had.
    public static func run(_ body: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // glibc's resolver keeps packets of 64 KiB on the stack.
        unsafe pthread_attr_setstacksize(&attributes, 256 * 1024)
        let context = unsafe Unmanaged.passRetained(DetachedThread(body))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, &attributes,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<DetachedThread>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, context.toOpaque())
        if code != 0 { unsafe context.release() }
        return code == 0
    }
}
