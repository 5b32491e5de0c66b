import ReplicaPlanning
import Testing

@Suite("How long a restore waits for the data")
struct TransferPaceTests {
    @Test("a server that sends nothing is given up after 60 s")
    func silent() {
        var pace = TransferPace()
        #expect(pace.objection(at: 59_999) == nil)
        #expect(pace.objection(at: 60_000) == "sent nothing for 60 s")
        pace.takeData(bytes: 2 << 20, at: 50_000)
        #expect(pace.objection(at: 109_999) == nil)
        #expect(pace.objection(at: 110_000) == "sent nothing for 60 s")
    }

    @Test("empty lines are waited for as long as a save may take, and not for ever")
    func emptyLines() {
        var pace = TransferPace()
        for second in 1..<3600 {
            pace.takeEmptyLine(at: second * 1000)
            #expect(pace.objection(at: second * 1000) == nil)
        }
        #expect(pace.objection(at: 3_600_000) == "did not begin to send its data within 60 min")
    }

    @Test("digits of the length that drip end the wait after 30 s")
    func length() {
        var pace = TransferPace()
        pace.takeEmptyLine(at: 100_000)
        for step in 0..<60 {
            pace.takeLengthByte(at: 100_000 + step * 500)
            #expect(pace.objection(at: 100_000 + step * 500) == nil)
        }
        #expect(pace.objection(at: 130_000) == "did not send the length of its data within 30 s")
    }

    @Test("a byte a second is no progress, a megabyte a minute is")
    func data() {
        var pace = TransferPace()
        for second in 0..<60 {
            pace.takeData(bytes: 1, at: second * 1000)
            #expect(pace.objection(at: second * 1000) == nil)
        }
        #expect(pace.objection(at: 60_000) == "sent less than 1 MiB of its data in 60 s")
        pace = TransferPace()
        for second in 0..<1000 {
            pace.takeData(bytes: 20_000, at: second * 1000)
            #expect(pace.objection(at: second * 1000 + 999) == nil)
        }
    }
}
