/// What a batch costs that is sent whole.
struct BatchCost {
    private let operations: [BatchOperation]

    init(_ operations: [BatchOperation]) { self.operations = operations }

    /// About how many bytes go to Redis and come from there; `nil` where they are few as far as is known.
    func bytes(_ handler: RequestHandler) -> Int? {
        var bytes = 0
        for operation in operations {
            switch operation {
            case .get(let key): bytes += min(handler.expectedCost(of: key) ?? 0, 1 << 30)
            case .set(_, let value, _, _): bytes += value.count
            case .delete: break
            }
        }
        return bytes < ReadCosts.bulkyBytes ? nil : bytes
    }
}
