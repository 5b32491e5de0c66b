import Glibc
import NIOCore
import RedisClient

/// Has the server write its data, and keeps that file under another name.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
package final class RollbackFolder {
    private static let interval = TimeAmount.milliseconds(100)
    /// How long a server may take that says nothing of its progress.
    private static let limit = TimeAmount.minutes(30)

    private let server: ServerConnection
    private let eventLoop: any EventLoop

    init(_ server: ServerConnection, eventLoop: any EventLoop) {
        self.server = server
        self.eventLoop = eventLoop
    }

    /// - Parameter completion: called once, on the event loop, with the file's path.
    func keep(_ file: RollbackFile, _ completion: @escaping (Result<String, ServerControlError>) -> Void) {
        let names = ["dir", "dbfilename"].map { command("CONFIG", "GET", $0) }
        server.ask(names, within: .seconds(1)) { reply in
            guard case .success(let values) = reply, let folder = values[0].settings["dir"],
                let name = values[1].settings["dbfilename"]
            else { return completion(.failure(.init("does not say where it keeps its data (CONFIG GET dir)"))) }
            let kept = "\(folder)/rollback/\(file.name)"
            // An earlier attempt may have ended between this and REPLICAOF.
            if unsafe access(kept, F_OK) == 0 { return completion(.success(kept)) }
            self.save(until: .now() + Self.limit) { error in
                if let error { return completion(.failure(error)) }
                self.link("\(folder)/\(name)", to: file.name, in: "\(folder)/rollback", completion)
            }
        }
    }

    /// Waits for its turn, then has the server write everything.
    private func save(until due: NIODeadline, _ completion: @escaping (ServerControlError?) -> Void) {
        whenIdle(until: due) { error, _ in
            if let error { return completion(error) }
            self.server.ask([command("BGSAVE")], within: .seconds(2)) { reply in
                switch reply {
                case .failure(let failure): return completion(.init(failure.description))
                case .success(let values):
                    if case .error = values[0] {
                        // Another one has begun meanwhile.
                        return self.again(until: due, completion) { self.save(until: due, completion) }
                    }
                    self.whenIdle(until: due) { error, isSaved in
                        completion(
                            error
                                ?? (isSaved
                                    ? nil : .init("could not write its data (rdb_last_bgsave_status): see its log")))
                    }
                }
            }
        }
    }

    private func again(
        until due: NIODeadline, _ completion: @escaping (ServerControlError?) -> Void, _ body: @escaping () -> Void
    ) {
        guard NIODeadline.now() < due else { return completion(.init("has not written its data in time (BGSAVE)")) }
        eventLoop.assumeIsolated().scheduleTask(in: Self.interval) { body() }
    }

    private func whenIdle(
        until due: NIODeadline, _ completion: @escaping (_ error: ServerControlError?, _ isSaved: Bool) -> Void
    ) {
        server.ask([command("INFO", "persistence")], within: .seconds(2)) { reply in
            guard case .success(let values) = reply, case .bulk(let text) = values[0] else {
                return completion(.init("does not answer"), false)
            }
            let lines = Set(String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline))
            if lines.contains("rdb_bgsave_in_progress:0"), lines.contains("aof_rewrite_in_progress:0") {
                return completion(nil, lines.contains("rdb_last_bgsave_status:ok"))
            }
            self.again(until: due, { completion($0, false) }) { self.whenIdle(until: due, completion) }
        }
    }

    private func link(
        _ saved: String, to name: String, in folder: String,
        _ completion: @escaping (Result<String, ServerControlError>) -> Void
    ) {
        let bound = NIOLoopBound(completion, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let begun = DetachedThread.run {
            let result = Self.link(saved, to: name, in: folder)
            eventLoop.execute { bound.value(result) }
        }
        if !begun { eventLoop.execute { bound.value(.failure(.init("could not be given a thread"))) } }
    }

    /// The server replaces its file by a rename: another name of the same file keeps what is in it.
    private static func link(_ saved: String, to name: String, in folder: String) -> Result<String, ServerControlError>
    {
        let path = "\(folder)/\(name)"
        unsafe mkdir(folder, 0o755)
        guard unsafe Glibc.link(saved, path) == 0 || errno == EEXIST else {
            return .failure(
                .init("has data that cannot be kept as \(path): \(unsafe String(cString: strerror(errno)))"))
        }
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 {
            fsync(descriptor)
            close(descriptor)
        }
        removeOldest(in: folder)
        return .success(path)
    }

    /// Keeps the newest ``RollbackFile/kept``; other files stay.
    package static func removeOldest(in folder: String) {
        guard let stream = unsafe opendir(folder) else { return }
        defer { unsafe closedir(stream) }
        var files: [(time: Int, path: String)] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix("term-"), name.hasSuffix(RollbackFile.suffix) else { continue }
            var status = stat()
            let path = "\(folder)/\(name)"
            // When it got this name.
            if unsafe stat(path, &status) == 0 {
                files.append((status.st_ctim.tv_sec * 1_000_000 + status.st_ctim.tv_nsec / 1000, path))
            }
        }
        for file in files.sorted(by: { $0.time < $1.time }).dropLast(RollbackFile.kept) {
            unsafe unlink(file.path)
        }
    }
}
