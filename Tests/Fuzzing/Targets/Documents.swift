import HTTPWire
import NIOCore
import Telemetry

@testable import KeyValueService

/// JSON, as the two bodies that are taken.
func checkJSON(_ input: [UInt8]) throws(BrokenPromise) {
    let isJSON = isObject(input)
    // The text without the white space behind it: it is JSON with more of that, and with nothing else.
    var end = input.count
    while end > 0, [0x20, 0x09, 0x0A, 0x0D].contains(input[end - 1]) { end -= 1 }
    if isJSON {
        try require(isObject(input + [0x20, 0x0A]), "white space may follow")
        try require(!isObject(input + [UInt8(ascii: "x")]), "nothing else may follow")
        try require(!isObject(Array(input[..<(end - 1)])), "a text that is cut off is no text")
        try require(input.span.isUTF8, "only UTF-8 is taken")
        try require(
            input.allSatisfy { $0 >= 0x20 || [0x09, 0x0A, 0x0D].contains($0) }, "no control character is taken")
    }
    if let request = try? SetRequest(parsing: input.span) {
        try require(isJSON, "a request is JSON")
        let written = #"{"key":""# + escaped(request.key) + #"","value":""# + escaped(request.value) + #""}"#
        let again = try? SetRequest(parsing: written.utf8.span)
        try require(again == request, "a request is read as it is written", written)
    }
    if let request = try? BatchRequest(parsing: input.span) {
        try require(isJSON, "a batch is JSON")
        try require(BatchRequest.sizes ~= request.operations.count, "a batch is within its bounds")
        let written = #"{"operations":["# + request.operations.map(written).joined(separator: ",") + "]}"
        let again = try? BatchRequest(parsing: written.utf8.span)
        try require(again == request, "a batch is read as it is written", written)
    }
    try checkBase64(input)
}

/// With an owned buffer: a span of an array's part is not the same as one of the whole.
private func isObject(_ bytes: [UInt8]) -> Bool {
    var reader = JSONReader(bytes.span)
    do throws(Problem) {
        try reader.readWhole(like: "{}") { _, reader throws(Problem) in try reader.skipValue() }
        return true
    } catch {
        return false
    }
}

private func escaped(_ bytes: [UInt8]) -> String { text([UInt8](jsonEscaping: bytes.span)) }

private func written(_ operation: BatchOperation) -> String {
    func member(_ name: String, _ bytes: [UInt8]) -> String { "\"\(name)_base64\":\"\(base64(bytes))\"" }
    switch operation {
    case .get(let key): return "{\(member("get", key))}"
    case .delete(let key): return "{\(member("delete", key))}"
    case .set(let key, let value, let timeToLive, let ifAbsent):
        let time = timeToLive.map { ",\"ttl\":\"\($0)ms\"" } ?? ""
        return "{\(member("set", key)),\(member("value", value))\(time),\"if_absent\":\(ifAbsent)}"
    }
}

private func checkBase64(_ input: [UInt8]) throws(BrokenPromise) {
    try require(Base64.decode(base64(input).utf8.span) == input, "bytes are read as they are written in Base64")
    guard let decoded = Base64.decode(input.span) else { return }
    try require(base64(decoded) == text(input), "there is one spelling of bytes in Base64", text(input))
}

private func base64(_ bytes: [UInt8]) -> String {
    var buffer = ByteBuffer()
    buffer.writeWithOutputRawSpan(minimumWritableBytes: Base64.count(bytes.count)) { Base64.write(bytes.span, to: &$0) }
    return String(buffer: buffer)
}

/// A target: a path, and a query.
func checkTarget(_ input: [UInt8]) throws(BrokenPromise) {
    let target = RequestTarget(input.span)
    let path = Array(target.path)
    try require(path.count <= input.count && !path.contains(UInt8(ascii: "?")), "a path ends before the query")
    let isFine = try checkParameters(of: target)
    for name: StaticString in ["key", "prefix", "cursor", "limit", "ttl", "max-lag"] {
        guard let value = try? target.queryValue(name) else { continue }
        // A value is the same when all of it is escaped.
        let again = Array("/x?\(name)=\(percentEncoded(value))".utf8)
        let other = try? RequestTarget(again.span).queryValue(name)
        try require(other == value, "a value is read as it is written", "\(name) \(value)")
        _ = DurationText(parsing: value.span)
        if let cursor = try? ScanCursor(parsing: value) {
            let again = try? ScanCursor(parsing: cursor.text)
            try require(again == cursor, "a cursor is read as it is written", text(value))
        }
    }
    if let list = try? KeyListRequest(target) {
        try require(KeyListRequest.limits ~= list.limit, "a page is within its bounds")
        try require(list.pattern.isEmpty || list.pattern.last == UInt8(ascii: "*"), "a pattern is a prefix's")
    }
    guard let route = Route(path: target.path) else { return }
    for method in RequestMethod.allCases {
        guard (try? route.checkParameters(of: target, method)) != nil else { continue }
        try require(isFine || !route.pattern.description.hasPrefix("/v1/"), "names that cannot be decoded are refused")
    }
    if route == .key {
        guard let key = try? target.pathValue(after: Route.keysPath) else { return }
        let again = Array("\(Route.keysPath)\(percentEncoded(key))".utf8)
        let other = try? RequestTarget(again.span).pathValue(after: Route.keysPath)
        try require(other == key, "a key is read as it is written", "\(key)")
    }
}

/// - Returns: whether each of its names can be decoded.
private func checkParameters(of target: borrowing RequestTarget) throws(BrokenPromise) -> Bool {
    var names = target.parameterNames
    var count = 0
    do throws(Problem) {
        while try names.next() != nil { count += 1 }
    } catch {
        return false
    }
    try require(target.hasQuery || count == 0, "no query has no parameter")
    return true
}

private func percentEncoded(_ bytes: [UInt8]) -> String {
    bytes.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

extension [UInt8] {
    fileprivate init(_ span: Span<UInt8>) {
        self = []
        for index in span.indices { append(span[index]) }
    }
}
