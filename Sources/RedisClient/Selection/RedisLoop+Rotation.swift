import RedisCore

extension RedisLoop {
    /// Opens another connection to the same endpoint, which takes over once it is ready; the old one then answers what it
    /// owes and closes. Until then, and for as long as no other can be had, the old one serves.
    ///
    /// A Service's address leads each new connection to some replica; connections that live for ever would stay with those
    /// that were there first.
    func replace(_ old: RedisConnection) {
        guard !isShutDown, replicas.contains(where: { $0 === old }), !successors.contains(where: { $0.old === old })
        else { return }
        let new = makeReplica(at: old.endpoint)
        // A failure would be logged; that it is connected is not.
        new.trouble = nil
        new.whenReady = { self.takeOver(new) }
        successors.append((old, new))
        new.start()
    }

    private func takeOver(_ new: RedisConnection) {
        guard let successor = successors.firstIndex(where: { $0.new === new }) else { return }
        let old = successors.remove(at: successor).old
        new.whenReady = nil
        guard let place = replicas.firstIndex(where: { $0 === old }) else { return letGo(of: new) }
        // Another server may have been met behind the address, and one that is no good yet.
        guard new.readSuitability == .fresh || old.readSuitability != .fresh else {
            letGo(of: new)
            return old.beginToAge()
        }
        replicas[place] = new
        letGo(of: old)
    }

    private func letGo(of connection: RedisConnection) {
        unwatch(connection)
        connection.shutDown()
    }
}
