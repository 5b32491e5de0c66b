/// Fingerprints of names, as numbers that the compiler lays out: made when the program starts, each of these tables would
/// cost more than reading a stock file. A test computes them from the names.
extension DirectiveName {
    /// FNV-1a of a name in lower case.
    static func fingerprint(of name: Span<UInt8>) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for index in name.indices { hash = (hash ^ UInt32(Byte.lowercased(name[index]))) &* 16_777_619 }
        return hash
    }

    static func fingerprint(of name: String) -> UInt32 {
        name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32(Byte.lowercased($1))) &* 16_777_619 }
    }

    /// The fingerprint of the canonical spelling of any given spelling.
    static func canonicalFingerprint(_ spelling: UInt32) -> UInt32 {
        if let index = aliasFingerprints.firstIndex(of: spelling) { return canonicalFingerprints[index] }
        return spelling
    }

    static func isSecret(fingerprint: UInt32) -> Bool { secretFingerprints.contains(fingerprint) }

    static func takesMany(fingerprint: UInt32) -> Bool { manyFingerprints.contains(fingerprint) }

    /// Of `rename-command`, `masteruser` and `replicaof`.
    static let renameCommandFingerprint: UInt32 = 0x1037_8C2B
    static let masterUserFingerprint: UInt32 = 0xE4C1_3E50
    static let replicaofFingerprint: UInt32 = 0xFD10_479A

    /// Of ``secrets``.
    static let secretFingerprints: [UInt32] = [
        0x7163_2B7D, 0x228D_A02D, 0xCF4A_1E99, 0xBA25_8A45, 0x6078_5EF2, 0x167C_332D,
    ]

    /// Of ``takingMany``.
    static let manyFingerprints: [UInt32] = [
        0xC753_5F2E, 0x8D20_3BC4, 0xCCFF_7E48, 0xCA43_4111, 0xCE21_78E3, 0x14AB_8E3E, 0xB5F5_F161, 0x475D_53E9,
        0x08DB_5504, 0x0362_0C8E, 0xD0A6_8E32, 0x58F6_10DF,
    ]

    /// Of ``aliases``.
    static let aliasFingerprints: [UInt32] = [
        0x6E06_4401, 0x7F34_F393, 0xBB59_CE86, 0x976F_703E, 0xFC10_68D0, 0x0A4F_FCA5, 0x7331_3084, 0x6C3B_C8C9,
        0x72C8_04FE, 0x2294_153F, 0x9F14_3C71, 0xEC82_D116, 0xF69D_4B64, 0xD799_5AE0, 0x37B2_6E4A, 0x8498_89CB,
        0xB0FD_14DA, 0x87B0_6DA9, 0x97A3_8988, 0x0890_0597, 0xA3C2_2C9E, 0x4E7A_6DCB, 0xFA63_C6A4, 0xE82A_D797,
        0xE4BF_52EA,
    ]

    /// Of ``canonicals``.
    static let canonicalFingerprints: [UInt32] = [
        0xFD10_479A, 0x228D_A02D, 0xE4C1_3E50, 0xF768_9121, 0xA0DC_DB3B, 0xFCCC_B2CC, 0xB2D6_5A7B, 0x5120_A488,
        0x2458_3807, 0x7341_54E2, 0xA6AF_1810, 0x0F55_415D, 0xF527_BAED, 0x77D9_EC8F, 0xD2B8_9B79, 0x1468_D657,
        0x06D8_779A, 0x3289_8069, 0xEDFE_DC48, 0xDC3F_9A4F, 0xE3A3_2286, 0x3AA5_998D, 0x1A9C_A72A, 0xBE14_24FB,
        0xB847_5FE4,
    ]
}
