import CLinux
import Glibc
import ReplicaPlanning

/// Asks the server's program which version it is.
enum ServerProgram {
    private static let milliseconds = 5000
    private static let maximumBytes = 4096

    /// - Returns: nil where it says nothing that can be read within five seconds.
    static func version(of program: String?) -> ServerVersion? {
        guard let program, let output = output(of: program) else { return nil }
        return ServerVersion(programOutput: String(decoding: output, as: UTF8.self))
    }

    /// What the program writes before it ends, 4 KiB at most; nil where it is late.
    static func output(
        of program: String, _ arguments: [String] = ["--version"], withErrors: Bool = false
    ) -> [UInt8]? {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { System.close(ends[0]) }
        let child = start(program, arguments, output: ends[1], withErrors: withErrors)
        System.close(ends[1])
        guard let child else { return nil }
        defer {
            kill(child, SIGKILL)
            while waitpid(child, nil, 0) == -1, errno == EINTR {}
        }
        return read(ends[0])
    }

    private static func start(
        _ program: String, _ arguments: [String], output: Int32, withErrors: Bool
    ) -> pid_t? {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        if withErrors {
            unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        }
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) }
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        unsafe words.append(nil)
        var child: pid_t = 0
        return unsafe posix_spawn(&child, program, &actions, nil, words, linux_environment()) == 0 ? child : nil
    }

    /// What comes until the end, or until it is too much or too late.
    private static func read(_ descriptor: Int32) -> [UInt8]? {
        let begin = Moment.now
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: maximumBytes)
        while bytes.count < maximumBytes {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = milliseconds - begin.elapsedMilliseconds
            guard left > 0 else { return nil }
            guard unsafe poll(&entry, 1, Int32(left)) == 1 else { continue }
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count == -1, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
        }
        return bytes
    }
}
