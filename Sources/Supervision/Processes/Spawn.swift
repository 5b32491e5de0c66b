import CLinux
import Glibc

/// What is started.
package struct ProcessCommand: Equatable, Sendable {
    package var program: String
    /// Behind the program's name, as bytes: they need not be text.
    package var arguments: [[UInt8]]
    /// Open descriptors that the process gets under the same number, beside 0, 1 and 2.
    package var descriptors: [Int32] = []

    package init(program: String, arguments: [[UInt8]]) {
        self.program = program
        self.arguments = arguments
    }

    /// Starts it in its own process group, with this process's environment, no signal blocked and none ignored.
    ///
    /// With posix_spawn: other threads may hold locks, which a fork would copy.
    func spawn() throws(SpawnError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // On itself: it loses FD_CLOEXEC in the child alone.
        for descriptor in descriptors {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor)
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([Array(program.utf8)] + arguments).map { word in
            unsafe (word + [0]).withUnsafeBytes { bytes in
                unsafe bytes.baseAddress.flatMap { unsafe strdup($0.assumingMemoryBound(to: CChar.self)) }
            }
        }
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        unsafe words.append(nil)
        var process: Int32 = 0
        let code = unsafe posix_spawn(&process, program, &actions, &attributes, words, linux_environment())
        guard code == 0 else { throw SpawnError(attempt: "start \(program)", code: code) }
        return process
    }
}
