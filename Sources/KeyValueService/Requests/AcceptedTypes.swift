import HTTPWire

/// What Accept asks for (RFC 9110 §12.5.1), as far as a choice between offered media types needs it.
///
/// A range that is not well-formed is ignored, and so are parameters other than `q`: what is offered here has none. A
/// field without any well-formed range takes everything, as no field does.
struct AcceptedTypes: ~Escapable {
    /// How much a type is wanted.
    struct Preference: Equatable, Comparable {
        /// 0, not at all, to 1000.
        var quality: Int
        /// How closely the range names it: 0 by `*/*`, 1 by `type/*`, 2 by its name.
        var closeness: Int

        static func < (left: Preference, right: Preference) -> Bool {
            (left.quality, left.closeness) < (right.quality, right.closeness)
        }
    }

    private let field: Span<UInt8>

    @_lifetime(copy field)
    init(_ field: Span<UInt8>) { self.field = field }

    /// The best of the offers: that with the highest `q`, then that which is named most closely, then the first.
    ///
    /// - Parameter offers: media types in lower case, without parameters.
    /// - Returns: its place among the offers; `nil` where none is accepted.
    func best(of offers: [StaticString]) -> Int? {
        var best: (place: Int, preference: Preference)?
        for (place, offer) in offers.enumerated() {
            let preference = preference(for: offer)
            if preference.quality > 0, best.map({ $0.preference < preference }) ?? true { best = (place, preference) }
        }
        return best?.place
    }

    /// By the range that names the type most closely; of several such, by the first.
    func preference(for type: StaticString) -> Preference {
        var found: Preference?
        var isEmpty = true
        var index = 0
        while index < field.count {
            let end = field.endOfElement(from: index, separator: UInt8(ascii: ","))
            if let range = MediaRange(parsing: field.extracting(index..<end)) {
                isEmpty = false
                if let closeness = range.closeness(to: type), closeness > found?.closeness ?? -1 {
                    found = Preference(quality: range.quality, closeness: closeness)
                }
            }
            index = end + 1
        }
        return found ?? Preference(quality: isEmpty ? 1000 : 0, closeness: 0)
    }
}

/// One element of Accept: `text/*;q=0.5`.
private struct MediaRange: ~Escapable {
    private let type: Span<UInt8>
    private let subtype: Span<UInt8>
    /// 0…1000.
    let quality: Int

    /// - Parameter element: with or without blanks around it.
    @_lifetime(copy element)
    init?(parsing element: Span<UInt8>) {
        let end = element.endOfElement(from: 0, separator: UInt8(ascii: ";"))
        let name = element.extracting(0..<end).withoutBlanks
        let slash = name.endOfElement(from: 0, separator: UInt8(ascii: "/"))
        guard slash < name.count else { return nil }
        type = name.extracting(0..<slash)
        subtype = name.extracting(slash + 1..<name.count)
        guard type.isToken, subtype.isToken, !type.isStar || subtype.isStar else { return nil }
        var quality = 1000
        var index = end + 1
        while index < element.count {
            let end = element.endOfElement(from: index, separator: UInt8(ascii: ";"))
            let parameter = element.extracting(index..<end).withoutBlanks
            if parameter.count >= 2, parameter[0] | 0x20 == UInt8(ascii: "q"), parameter[1] == UInt8(ascii: "=") {
                guard let value = parameter.extracting(2..<parameter.count).quality else { return nil }
                quality = value
            }
            index = end + 1
        }
        self.quality = quality
    }

    /// - Returns: `nil` where the range does not take the type.
    func closeness(to offer: StaticString) -> Int? {
        if type.isStar { return 0 }
        guard type.count < offer.utf8CodeUnitCount, type.isBeginning(of: offer, from: 0),
            unsafe offer.utf8Start[type.count] == UInt8(ascii: "/")
        else { return nil }
        if subtype.isStar { return 1 }
        let start = type.count + 1
        return start + subtype.count == offer.utf8CodeUnitCount && subtype.isBeginning(of: offer, from: start) ? 2 : nil
    }
}

extension Span<UInt8> {
    /// The place of the next separator, those in quotes left out; the end where there is none.
    fileprivate func endOfElement(from start: Int, separator: UInt8) -> Int {
        var isQuoted = false
        var index = start
        while index < count {
            let byte = self[index]
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if isQuoted, byte == UInt8(ascii: "\\") { index += 1 }
            if !isQuoted, byte == separator { return index }
            index += 1
        }
        return count
    }

    fileprivate var withoutBlanks: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var start = 0
            var end = count
            while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
            while start < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
            return extracting(start..<end)
        }
    }

    fileprivate var isStar: Bool { count == 1 && self[0] == UInt8(ascii: "*") }

    /// RFC 9110 §5.6.2, as far as it matters here: visible characters that separate nothing.
    fileprivate var isToken: Bool {
        for index in indices {
            switch self[index] {
            case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x41...0x5A, 0x5E...0x7A, 0x7C, 0x7E: break
            default: return false
            }
        }
        return count > 0
    }

    /// Whether the text continues with these bytes, ignoring case.
    fileprivate func isBeginning(of text: StaticString, from start: Int) -> Bool {
        guard start + count <= text.utf8CodeUnitCount else { return false }
        for index in indices {
            let byte = self[index]
            let lower = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
            if unsafe lower != text.utf8Start[start + index] { return false }
        }
        return true
    }

    /// `0`, `0.5`, `1.000`: at most three digits behind the point (RFC 9110 §12.4.2), as 0…1000.
    fileprivate var quality: Int? {
        guard 1...5 ~= count, self[0] == UInt8(ascii: "0") || self[0] == UInt8(ascii: "1"),
            count == 1 || self[1] == UInt8(ascii: ".")
        else { return nil }
        var value = Int(self[0] - UInt8(ascii: "0")) * 1000
        var weight = 100
        for index in Swift.min(2, count)..<count {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= self[index] else { return nil }
            value += Int(self[index] - UInt8(ascii: "0")) * weight
            weight /= 10
        }
        return value <= 1000 ? value : nil
    }
}

extension Span<UInt8> {
    /// Whether a Content-Type names this type, in any case and with any parameters.
    ///
    /// - Parameter type: in lower case.
    func isMediaType(_ type: StaticString) -> Bool {
        var end = 0
        while end < count, self[end] != UInt8(ascii: ";") { end += 1 }
        while end > 0, self[end - 1] == UInt8(ascii: " ") || self[end - 1] == UInt8(ascii: "\t") { end -= 1 }
        return extracting(0..<end).equalsIgnoringCase(type)
    }
}
