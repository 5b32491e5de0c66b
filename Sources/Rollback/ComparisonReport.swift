/// The comparison as it goes: a table, or one JSON document.
package final class ComparisonReport {
    private let output: Output
    private let isJSON: Bool
    private var lines = 0
    private var isOpen = false

    package init(_ output: Output, isJSON: Bool) {
        self.output = output
        self.isJSON = isJSON
    }

    package func begin(file: String, _ server: RollbackComparison.Server) throws(RollbackError) {
        isOpen = true
        guard isJSON else { return }
        let link = server.isLinked.map { $0 ? "\"up\"" : "\"down\"" } ?? "null"
        try output.write(
            "{\"file\": \(ShownBytes.json(file)), \"server\": {\"role\": \(ShownBytes.json(server.role)), \"link\": \(link)}, "
                + "\"keys\": [")
    }

    /// Those that are the same, or have expired since, are counted alone.
    package func take(_ key: ComparedKey) throws(RollbackError) {
        guard key.state != .same, key.state != .expired else { return }
        lines += 1
        guard !isJSON else {
            return try output.write(
                (lines == 1 ? "\n" : ",\n") + "  {\"state\": \"\(key.state.rawValue)\", \"database\": \(key.database), "
                    + "\"type\": \(ShownBytes.json(key.type)), \"bytes\": \(key.bytes), \(ShownBytes.jsonKey(key.name))}"
            )
        }
        if lines == 1 { try output.write(Self.row("STATE", "DB", "TYPE", "BYTES") + "KEY\n") }
        try output.write(
            Self.row(key.state.rawValue, "\(key.database)", key.type, "\(key.bytes)") + ShownBytes.quoted(key.name)
                + "\n")
    }

    /// - Parameter error: why it has ended early; what is counted then is not said.
    package func end(_ counts: [ComparedKey.State: Int], error: RollbackError? = nil) throws(RollbackError) {
        guard isOpen else { return }
        func count(_ state: ComparedKey.State) -> Int { counts[state] ?? 0 }
        if isJSON {
            let members = ComparedKey.State.allCases.map { state in
                "\"\(state.rawValue.map { $0 == "-" ? "_" : String($0) }.joined())\": \(count(state))"
            }
            let counts = error == nil ? "{\(members.joined(separator: ", "))}" : "null"
            try output.write(
                (lines == 0 ? "]" : "\n]") + ", \"counts\": \(counts), "
                    + "\"error\": \(error.map { ShownBytes.json($0.description) } ?? "null")}\n")
        } else if error == nil {
            try output.write(
                "\(count(.missing)) missing, \(count(.differs)) differ, \(count(.notCompared)) not compared, "
                    + "\(count(.same)) the same, \(count(.expired)) expired since\n")
        }
        try output.flush()
    }

    /// Columns that have room for all but rare values.
    private static func row(_ state: String, _ database: String, _ type: String, _ bytes: String) -> String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count)) + "  "
        }
        let number = String(repeating: " ", count: max(0, 10 - bytes.count)) + bytes + "  "
        return padded(state, 12) + padded(database, 2) + padded(type, 9) + number
    }
}
