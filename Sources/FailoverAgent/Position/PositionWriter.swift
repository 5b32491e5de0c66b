import NIOCore
import RedisClient

/// Reads the position file once, then writes positions, one after the other, on a thread: a disk that hangs delays nothing else.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
final class PositionWriter {
    private let file: PositionFile
    private let eventLoop: any EventLoop
    private var isUnderWay = false
    /// The newest that waits: it replaces an older one.
    private var next: (position: StoredPosition, completion: (PositionFileError?) -> Void)?
    /// What the disk has.
    private(set) var written: StoredPosition?

    init(_ file: PositionFile, eventLoop: any EventLoop) {
        self.file = file
        self.eventLoop = eventLoop
    }

    /// - Parameter completion: called once, on the event loop; never where the disk does not answer.
    func read(_ completion: @escaping (Result<StoredPosition?, PositionFileError>) -> Void) {
        let file = file
        perform {
            do throws(PositionFileError) { return .success(try file.read()) } catch { return .failure(error) }
        } completion: { result in
            self.written = try? result.get()
            completion(result)
        }
    }

    /// - Parameter completion: called once, on the event loop, when this position or a newer one is on the disk or failed.
    func write(_ position: StoredPosition, _ completion: @escaping (PositionFileError?) -> Void = { _ in }) {
        let older = next
        next = (
            position,
            { error in
                older?.completion(error)
                completion(error)
            }
        )
        writeNext()
    }

    private func writeNext() {
        guard !isUnderWay, let request = next else { return }
        next = nil
        let file = file
        let position = request.position
        perform { () -> Result<StoredPosition?, PositionFileError> in
            do throws(PositionFileError) { try file.write(position) } catch { return .failure(error) }
            return .success(position)
        } completion: { result in
            switch result {
            case .success(let position):
                self.written = position
                request.completion(nil)
            case .failure(let error): request.completion(error)
            }
        }
    }

    private func perform(
        _ body: @escaping @Sendable () -> Result<StoredPosition?, PositionFileError>,
        completion: @escaping (Result<StoredPosition?, PositionFileError>) -> Void
    ) {
        isUnderWay = true
        let bound = NIOLoopBound((writer: self, completion: completion), eventLoop: eventLoop)
        let eventLoop = eventLoop
        let begun = DetachedThread.run {
            let result = body()
            eventLoop.execute { bound.value.writer.end(result, bound.value.completion) }
        }
        if !begun {
            eventLoop.execute {
                bound.value.writer.end(
                    .failure(PositionFileError("no thread to write the position file")), bound.value.completion)
            }
        }
    }

    private func end(
        _ result: Result<StoredPosition?, PositionFileError>,
        _ completion: (Result<StoredPosition?, PositionFileError>) -> Void
    ) {
        isUnderWay = false
        completion(result)
        writeNext()
    }
}
