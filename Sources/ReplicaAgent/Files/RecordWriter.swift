import NIOCore
import RedisCore

/// Reads the record once, then writes records, one after the other, off the event loop.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
final class RecordWriter {
    /// How long a command waits for the record that is to be written before it.
    static let limit: TimeAmount = .seconds(5)

    private let file: RecordFile
    private let work: FileWork
    private let isolatedLoop: NIOIsolatedEventLoop
    /// Those that wait for their turn: the younger one replaces the older one, so that there is one at the most.
    private var next: Request?

    private final class Request {
        let record: MasterRecord
        private var completion: ((RecordFileError?) -> Void)?
        var deadline: Scheduled<Void>?

        init(_ record: MasterRecord, _ completion: @escaping (RecordFileError?) -> Void) {
            self.record = record
            self.completion = completion
        }

        func end(_ error: RecordFileError?) {
            deadline?.cancel()
            let completion = completion
            self.completion = nil
            completion?(error)
        }
    }

    init(_ file: RecordFile, eventLoop: any EventLoop) {
        self.file = file
        isolatedLoop = eventLoop.assumeIsolated()
        work = FileWork(eventLoop: eventLoop)
    }

    /// - Parameter completion: called once, on the event loop, and never where the disk does not answer.
    func read(_ completion: @escaping (Result<MasterRecord?, RecordFileError>) -> Void) {
        let file = file
        work.perform { () -> Result<MasterRecord?, RecordFileError> in
            do throws(RecordFileError) { return .success(try file.read()) } catch { return .failure(error) }
        } completion: { result in
            completion(result)
            self.writeNext()
        }
    }

    /// - Parameter completion: called once, on the event loop: with `nil` once the record, or a younger one, is written. Where
    ///   that takes longer than ``limit``, with an error, and it is still written when the disk answers.
    func write(_ record: MasterRecord, _ completion: @escaping (RecordFileError?) -> Void) {
        let path = file.path
        let older = next
        let request = Request(record) { error in
            older?.end(error)
            completion(error)
        }
        next = request
        request.deadline = isolatedLoop.scheduleTask(in: Self.limit) {
            request.end(.slow(path))
        }
        if !work.isUnderWay { writeNext() }
    }

    private func writeNext() {
        guard let request = next else { return }
        next = nil
        let file = file
        let record = request.record
        work.perform { () -> RecordFileError? in
            do throws(RecordFileError) { try file.write(record) } catch { return error }
            return nil
        } completion: { error in
            request.end(error)
            self.writeNext()
        }
    }
}
