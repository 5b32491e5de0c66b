import Supervision
import Testing

@Suite("The arguments of the dead-man process")
struct DeadManArgumentTests {
    @Test("the dead-man process reads what it is started with, and nothing else")
    func deadManArguments() {
        let watch = DeadManWatch(socket: 5, server: 7, silence: .milliseconds(3000), serverIdentifier: 42)
        #expect(watch.arguments == ["5", "7", "3000", "42"])
        #expect(DeadManWatch(watch.arguments) == watch)
        for odd in [
            [], ["5", "7", "3000"], ["5", "7", "3000", "x"], ["5", "7", "-1", "42"], ["5", "7", "1", "4", "2"],
        ] {
            #expect(DeadManWatch(odd) == nil, "\(odd)")
        }
    }
}
