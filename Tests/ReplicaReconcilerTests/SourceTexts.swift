import Glibc
import Testing

/// The texts in a source file of the checkout: what stands between quotes, each value in it shown as `…`.
struct SourceTexts {
    private(set) var texts: [String] = []

    /// - Parameters:
    ///   - path: from the folder of the checkout.
    ///   - start: where to begin; the file's beginning where it is nil.
    init(_ path: String, from start: String? = nil) throws {
        var rest = Substring(try Self.contents(path))
        if let start { rest = rest[try #require(rest.firstRange(of: start), "\(start) in \(path)").upperBound...] }
        while let character = rest.first {
            if rest.hasPrefix("//") {
                rest = rest.drop { $0 != "\n" }
            } else if character == "\"" {
                texts.append(Self.text(&rest))
            } else {
                rest.removeFirst()
            }
        }
    }

    /// Those of more than one word, which people read.
    var sentences: [String] { texts.filter { $0.split(separator: " ").count > 1 } }

    static func contents(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try #require(fopen("/\(root)/\(path)", "r"), "\(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Takes a text with its quotes, which are one or three.
    private static func text(_ rest: inout Substring) -> String {
        let quotes = rest.hasPrefix("\"\"\"") ? "\"\"\"" : "\""
        rest.removeFirst(quotes.count)
        var text = ""
        while !rest.isEmpty, !rest.hasPrefix(quotes) {
            if rest.hasPrefix("\\(") {
                skipValue(&rest)
                text.append("…")
            } else if rest.hasPrefix("\\\n") {
                rest = rest.dropFirst(2).drop { $0 == " " }
            } else {
                if rest.first == "\\" { rest.removeFirst() }
                text.append(rest.removeFirst())
            }
        }
        rest = rest.dropFirst(quotes.count)
        // The lines of a long text are indented.
        return quotes.count == 3 ? text.split(whereSeparator: \.isWhitespace).joined(separator: " ") : text
    }

    /// Takes `\(…)`, with the parentheses within.
    private static func skipValue(_ rest: inout Substring) {
        var depth = 0
        rest.removeFirst()
        repeat {
            switch rest.removeFirst() {
            case "(": depth += 1
            case ")": depth -= 1
            default: break
            }
        } while depth > 0 && !rest.isEmpty
    }
}

extension SourceTexts {
    /// The Swift files of a folder of the checkout, and of the folders in it.
    static func files(in folder: String) throws -> [String] {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let stream = try #require(opendir("/\(root)/\(folder)"), "\(folder)")
        defer { closedir(stream) }
        var paths: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".swift") {
                paths.append("\(folder)/\(name)")
            } else if !name.hasPrefix("."), entry.pointee.d_type == DT_DIR {
                paths += try files(in: "\(folder)/\(name)")
            }
        }
        return paths.sorted()
    }
}
