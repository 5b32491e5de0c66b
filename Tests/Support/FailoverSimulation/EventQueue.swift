/// What happens next, by time; what is due at the same time happens in the order in which it was added.
///
/// The heap holds numbers alone: events are large, and moved once.
struct EventQueue {
    private struct Entry {
        var time: Int64
        var number: UInt32
        var slot: UInt32

        func isBefore(_ other: Entry) -> Bool { time != other.time ? time < other.time : number < other.number }
    }

    private var heap: [Entry] = []
    private var events: [Simulation.Event] = []
    private var free: [UInt32] = []
    private var number: UInt32 = 0

    mutating func add(_ event: Simulation.Event, at time: Int64) {
        let slot: UInt32
        if let last = free.popLast() {
            slot = last
            events[Int(slot)] = event
        } else {
            slot = UInt32(events.count)
            events.append(event)
        }
        let entry = Entry(time: time, number: number, slot: slot)
        number += 1
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = entry
    }

    mutating func next() -> (time: Int64, event: Simulation.Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        let count = heap.count
        if count > 0 {
            var parent = 0
            while true {
                var child = 2 * parent + 1
                guard child < count else { break }
                if child + 1 < count, heap[child + 1].isBefore(heap[child]) { child += 1 }
                guard heap[child].isBefore(last) else { break }
                heap[parent] = heap[child]
                parent = child
            }
            heap[parent] = last
        }
        free.append(first.slot)
        return (first.time, events[Int(first.slot)])
    }
}
