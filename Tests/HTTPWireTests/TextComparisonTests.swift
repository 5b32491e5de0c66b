import HTTPWire
import Testing

@Suite("Bytes compared with a text")
struct TextComparisonTests {
    @Test("a case is ignored in letters alone: no other byte stands for one of the text's", arguments: 0...255)
    func everyByte(_ value: Int) {
        let byte = UInt8(value)
        let isCapital = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
        let text: StaticString = "abcdefghijklmnopqrstuvwxyz0123456789 !\"#$%&'()*+,-./:;<=>?"
        text.withUTF8Buffer { characters in
            for (index, character) in characters.enumerated() {
                var bytes = Array(characters)
                bytes[index] = byte
                let equals = bytes.span.equals(text)
                let equalsIgnoringCase = bytes.span.equalsIgnoringCase(text)
                #expect(equals == (byte == character), "\(byte) for \(character)")
                #expect(
                    equalsIgnoringCase == ((isCapital ? byte | 0x20 : byte) == character), "\(byte) for \(character)")
            }
        }
    }

    @Test("what is longer starts with the text, and does not equal it; what is shorter does neither")
    func lengths() {
        for (text, starts, equals) in [("Http:", false, false), ("Http:/", true, true), ("Http:/a", true, false)] {
            let bytes = Array(text.utf8)
            let small = Array(text.lowercased().utf8)
            #expect(small.span.starts(with: "http:/") == starts)
            #expect(small.span.equals("http:/") == equals)
            #expect(bytes.span.startsIgnoringCase(with: "http:/") == starts)
            #expect(bytes.span.equalsIgnoringCase("http:/") == equals)
            #expect(bytes.span.starts(with: "http") == false)
        }
    }

    @Test("hexadecimal digits in either case, and nothing else", arguments: 0...255)
    func digits(_ value: Int) {
        let character = Character(Unicode.Scalar(UInt8(value)))
        let expected = character.isASCII ? character.hexDigitValue : nil
        #expect(UInt8(value).hexadecimalValue.map { Int($0) } == expected)
    }
}
