package import Failover
internal import FoundationEssentials

/// The record as the stores keep it: one JSON object.
///
/// ```
/// {"format":1,"term":7,"durationMilliseconds":5000,"renewals":93,"paused":false,
///  "holder":{"name":"redis-0","pod":"4f0c…","start":1},
///  "histories":[{"term":7,"id":"8a2e…","start":1024}],
///  "successor":{"name":"redis-1","offset":2048}}
/// ```
/// `holder` and `successor` are left out where there is none. Fields that are not known are not kept.
package enum LeaseText {
    /// The most bytes that are read or written.
    package static let maximumBytes = 64 << 10
    /// The most bytes of one name or identifier in it.
    package static let maximumNameBytes = 253
    package static let longestDuration = Duration.seconds(86_400)
    private static let format = 1

    /// - Throws: where the record is outside what can be read again.
    package static func text(of record: LeaseRecord) throws(LeaseTextError) -> String {
        let fields = try LeaseFields(record)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(fields) else { throw .notJSON }
        guard data.count <= maximumBytes else { throw .tooLarge(data.count) }
        return String(decoding: data, as: UTF8.self)
    }

    /// As ``text(of:)``, with the error of a store.
    static func storable(_ record: LeaseRecord, in store: String) throws(LeaseStoreError) -> String {
        do {
            return try text(of: record)
        } catch {
            throw .unreadable("\(store): nothing was written, since this would be \(error.reason)")
        }
    }

    /// Reads what ``text(of:)`` wrote.
    package static func record(in bytes: some Collection<UInt8>) throws(LeaseTextError) -> LeaseRecord {
        guard bytes.count <= maximumBytes else { throw .tooLarge(bytes.count) }
        let data = Data(bytes)
        // The format first: another one may have other fields.
        guard let marked = try? JSONDecoder().decode(Marked.self, from: data) else { throw .notJSON }
        guard let format = marked.format else { throw .notOurs }
        guard format == Self.format else { throw .otherFormat(format) }
        guard let fields = try? JSONDecoder().decode(LeaseFields.self, from: data) else { throw .missingFields }
        return try fields.record()
    }

    private struct Marked: Decodable {
        var format: Int?
    }

    /// The object's fields, in its units.
    private struct LeaseFields: Codable {
        var format = LeaseText.format
        var term: UInt64
        var durationMilliseconds: Int64
        var renewals: UInt64
        var paused: Bool
        var holder: Holder?
        var histories: [History]
        var successor: Successor?

        struct Holder: Codable {
            var name: String
            var pod: String
            var start: UInt64
        }

        struct History: Codable {
            var term: UInt64
            var id: String
            var start: Int64
        }

        struct Successor: Codable {
            var name: String
            var offset: Int64
        }

        init(_ record: LeaseRecord) throws(LeaseTextError) {
            let (seconds, attoseconds) = record.duration.components
            guard record.duration > .zero, record.duration <= LeaseText.longestDuration,
                attoseconds % 1_000_000_000_000_000 == 0
            else { throw .outOfRange("duration") }
            term = record.term
            durationMilliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
            renewals = record.renewals
            paused = record.isPaused
            holder = record.holder.map { Holder(name: $0.name, pod: $0.pod, start: $0.start) }
            histories = record.histories.map { History(term: $0.term, id: $0.id, start: $0.start) }
            successor = record.successor.map { Successor(name: $0.name, offset: $0.offset) }
            try check()
        }

        func record() throws(LeaseTextError) -> LeaseRecord {
            try check()
            return LeaseRecord(
                holder: holder.map { NodeID(name: $0.name, pod: $0.pod, start: $0.start) }, term: term,
                duration: .milliseconds(durationMilliseconds),
                histories: histories.map { .init(term: $0.term, id: $0.id, start: $0.start) },
                successor: successor.map { .init(name: $0.name, offset: $0.offset) }, isPaused: paused,
                renewals: renewals)
        }

        /// What must hold in both directions.
        private func check() throws(LeaseTextError) {
            guard durationMilliseconds > 0, Duration.milliseconds(durationMilliseconds) <= LeaseText.longestDuration
            else {
                throw .outOfRange("durationMilliseconds")
            }
            if let holder {
                try Self.check(holder.name, "holder.name")
                // Outside Kubernetes there is no pod.
                if !holder.pod.isEmpty { try Self.check(holder.pod, "holder.pod") }
            }
            guard histories.count <= LeaseRecord.keptHistories else { throw .outOfRange("histories") }
            var last: UInt64 = 0
            for history in histories {
                try Self.check(history.id, "histories.id")
                // -1: what redis-server says where it branched off from nothing.
                guard history.start >= -1 else { throw .outOfRange("histories.start") }
                guard history.term >= last, history.term <= term else { throw .outOfRange("histories.term") }
                last = history.term
            }
            if let successor {
                try Self.check(successor.name, "successor.name")
                guard successor.offset >= 0 else { throw .outOfRange("successor.offset") }
            }
        }

        private static func check(_ name: String, _ field: String) throws(LeaseTextError) {
            guard 1...LeaseText.maximumNameBytes ~= name.utf8.count else { throw .outOfRange(field) }
        }
    }
}

/// Why a text is no record of ours, or a record no text.
package enum LeaseTextError: Error, Equatable, Sendable {
    case tooLarge(Int)
    case notJSON
    /// JSON, and of another program.
    case notOurs
    case otherFormat(Int)
    case missingFields
    case outOfRange(String)

    /// What is wrong, to stand behind "… holds" or "… cannot be stored:".
    package var reason: String {
        switch self {
        case .tooLarge(let count): "\(count) bytes, and a record has at most \(LeaseText.maximumBytes)"
        case .notJSON: "text that is no JSON object"
        case .notOurs: "a JSON object of another program: it has no number \"format\""
        case .otherFormat(let number): "a record of format \(number), and this version reads format 1"
        case .missingFields: "a record with missing or mistyped fields"
        case .outOfRange(let field): "a record whose field \"\(field)\" is out of range"
        }
    }
}
