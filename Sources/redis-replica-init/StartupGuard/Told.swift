/// Progress: at once when it changes, else every ten seconds.
struct Told {
    private var reason = ""
    private var nextSecond = 0

    mutating func tell(_ line: String, at second: Int) {
        let reason = String(line.drop { $0 != ":" })
        guard reason != self.reason || second >= nextSecond else { return }
        self.reason = reason
        nextSecond = second + 10
        Terminal.complain([line])
    }
}
