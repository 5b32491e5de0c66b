import Glibc
import RDBFile

extension RollbackListing {
    /// A table, or one JSON document.
    package static func text(_ files: [File], folder: String, isJSON: Bool) -> String {
        isJSON ? json(files, folder: folder) : table(files, folder: folder)
    }

    private static func table(_ files: [File], folder: String) -> String {
        guard !files.isEmpty else { return "no rollback files in \(folder)\n" }
        let rows = files.map { file in
            let isKnown = file.parts.to > 0
            return [
                "\(file.parts.term)", file.parts.history, isKnown ? "\(file.parts.from)" : "-",
                isKnown ? "\(file.parts.to)" : "-", isKnown ? "\(file.parts.bytes)" : "-", time(file.written),
                (try? file.keys.get()).map { "\($0)" } ?? "damaged", file.name,
            ]
        }
        let header = ["TERM", "HISTORY", "FROM", "TO", "BYTES", "WRITTEN", "KEYS", "FILE"]
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        let lines = ([header] + rows).map { row in
            row.indices.map { column in
                // The last one ends the line.
                column == row.count - 1
                    ? row[column] : row[column] + String(repeating: " ", count: widths[column] - row[column].count)
            }.joined(separator: "  ")
        }
        let damages = files.compactMap { file in
            if case .failure(let error) = file.keys { "the file '\(folder)/\(file.name)' \(error)" } else { nil }
        }
        return (lines + damages).map { $0 + "\n" }.joined()
    }

    private static func json(_ files: [File], folder: String) -> String {
        let objects = files.map { file in
            let (keys, error): (String, String) =
                switch file.keys {
                case .success(let count): ("\(count)", "null")
                case .failure(let error): ("null", ShownBytes.json(error.description))
                }
            return """
                  {"file": \(ShownBytes.json(file.name)), "term": \(file.parts.term), "history": \(ShownBytes.json(file.parts.history)), \
                "from": \(file.parts.from), "to": \(file.parts.to), "bytes": \(file.parts.bytes), "file_bytes": \(file.fileBytes), \
                "written": "\(time(file.written))", "keys": \(keys), "error": \(error)}
                """
        }
        let list = objects.isEmpty ? "[]" : "[\n\(objects.joined(separator: ",\n"))\n]"
        return "{\"folder\": \(ShownBytes.json(folder)), \"files\": \(list)}\n"
    }

    /// `2026-11-30T17:40:05Z`
    private static func time(_ seconds: Int) -> String {
        var clock = seconds
        var parts = unsafe tm()
        guard unsafe gmtime_r(&clock, &parts) != nil else { return "-" }
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (day, month) = unsafe (parts.tm_mday, parts.tm_mon + 1)
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map(two).joined(separator: ":")
        return unsafe "\(Int(parts.tm_year) + 1900)-\(two(month))-\(two(day))T\(time)Z"
    }
}
