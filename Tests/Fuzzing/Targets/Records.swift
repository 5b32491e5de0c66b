import RedisCore
import ReplicaPlanning

func checkMasterRecord(_ input: [UInt8]) throws(BrokenPromise) {
    if let record = MasterRecord(parsing: input) {
        let written = Array(record.text.utf8)
        try require(
            written.count > MasterRecord.maximumBytes || MasterRecord(parsing: written) == record,
            "a record that was read is written as it is", record.text)
        try require(written.allSatisfy { $0 == 0x0A || 0x20...0x7E ~= $0 }, "a record is plain text", record.text)
        try require(record.superseded.count <= MasterRecord.maximumSuperseded, "a record is bounded")
    }
    // Any name that a server may call its master, except bytes that no configuration can contain.
    let hosts = input.split { $0 == 0 || $0 == 10 || $0 == 13 }.prefix(4).map { text(Array($0)) }
    guard let first = hosts.first else { return }
    let addresses = hosts.enumerated().map { MasterAddress(host: $1, port: 1 + $0) }
    let record = MasterRecord(
        .master(MasterAddress(host: first, port: 65535)), by: .sidecar, superseding: addresses,
        configured: addresses[0],
        serverRunID: hosts.last ?? "", term: seedNumber(of: input))
    try require(MasterRecord(parsing: record.text) == record, "every host is read back", record.text)
}

func checkJournal(_ input: [UInt8]) throws(BrokenPromise) {
    guard let journal = ReseedJournal(parsing: text(input)) else { return }
    try require(ReseedJournal(parsing: journal.text) == journal, "a journal is read as it is written", journal.text)
    for address in [journal.replica, journal.followed, journal.placeholder] {
        try require(1...65535 ~= address.port, "a port is one")
        try require(address.host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }, "a host is one word", address.host)
    }
}
