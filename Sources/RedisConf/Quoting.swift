/// Writes one argument so that redis-server reads back exactly these bytes, for any bytes.
///
/// Plain where that is safe, else in double quotes with `\xHH` for every byte that is not printable ASCII.
public func quoted(_ argument: [UInt8]) -> [UInt8] {
    if !argument.isEmpty, argument.allSatisfy(isPlain), argument[0] != Byte.hash { return argument }
    var result: [UInt8] = [Byte.doubleQuote]
    result.reserveCapacity(argument.count + 2)
    for byte in argument {
        switch byte {
        case Byte.backslash, Byte.doubleQuote: result += [Byte.backslash, byte]
        case 0x20...0x7E: result.append(byte)
        default: result += [Byte.backslash, UInt8(ascii: "x"), hexDigit(byte >> 4), hexDigit(byte & 0xF)]
        }
    }
    result.append(Byte.doubleQuote)
    return result
}

/// A directive as a line without its newline.
package func directiveLine(_ name: String, _ arguments: [[UInt8]]) -> [UInt8] {
    var line = Array(name.utf8)
    for argument in arguments {
        line.append(Byte.space)
        line += quoted(argument)
    }
    return line
}

private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case Byte.backslash, Byte.doubleQuote, Byte.singleQuote: false
    default: byte > 0x20 && byte < 0x7F
    }
}

private func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
