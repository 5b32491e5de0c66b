import Glibc
import Logging
import NIOCore
import NIOPosix

extension RedisConnection {
    /// Every address of a name that is tried has its own channel and handlers; the first that is connected becomes the
    /// connection's, and the others are ignored.
    func connect() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        isTroubleOfThisAttempt = false
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.init(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // A large value is read by one piece at a time, so that no more of it than one comes unasked.
            .channelOption(.maxMessagesPerRead, value: UInt(configuration.isShared ? 4 : 1))
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 16384, maximum: 131_072)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try bound.value.addHandlers(to: channel.pipeline.syncOperations)
                }
            }
            .connect(host: endpoint.host, port: endpoint.port)
            .assumeIsolated()
            .flatMapThrowing { channel in try self.adopt(channel.pipeline.syncOperations) }
            .whenComplete { result in
                switch result {
                case .success:
                    let action = self.machine.connected()
                    self.perform(action)
                    if action == .closeChannel { self.handler = nil }
                case .failure(let error):
                    self.isLookingForMaster = false
                    self.isDenied = false
                    self.count(.connect)
                    self.note(trouble: "cannot be reached: \(ConnectError.reason(error))")
                    self.perform(self.machine.connectFailed())
                    if ConnectError.isRefusal(error) { self.whenRefused?(self) }
                }
            }
    }

    private func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        try addTLS(to: pipeline)
        try pipeline.addHandler(
            PipelineHandler(
                maximumReplyBytes: configuration.maximumReplyBytes, largeReplyBytes: configuration.largeReplyBytes,
                isShared: configuration.isShared,
                encodeInformation: configuration.encodeInformation,
                whenAnswered: { self.answered($0, sentAt: $1) },
                whenIdle: { self.becameIdle() }))
    }

    /// Takes a connected channel's handlers for the connection's own.
    ///
    /// The handler refers to the connection until its channel is closed, strongly: an object that has ever been referred to
    /// weakly is retained and released on the runtime's slow path, and this one is with every request.
    private func adopt(_ pipeline: ChannelPipeline.SynchronousOperations) throws {
        let handler = try pipeline.handler(type: PipelineHandler.self)
        if configuration.tls != nil { tlsObserver = try pipeline.handler(type: TLSObserver.self) }
        handler.whenClosed = { self.disconnected() }
        handler.whenDisplaced = { self.displaced() }
        handler.whenFailing = { [unowned handler] in self.stopServing(handler) }
        self.handler = handler
    }

    private func addTLS(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        guard let tls = configuration.tls else { return }
        let tlsHandler = try tls.makeHandler(for: name)
        let observer = TLSObserver(of: tlsHandler) { reason in
            // The first one is the cause of the others.
            if !self.isTroubleOfThisAttempt { self.note(trouble: reason) }
        }
        try pipeline.addHandlers(tlsHandler, observer)
    }

    func attempt(afterFailures failures: Int) {
        let delay = configuration.backoff.delay(afterFailures: failures, jitter: .random(in: 0..<1))
        attemptTimer?.cancel()
        attemptTimer = isolatedLoop.scheduleTask(in: .init(delay)) {
            self.perform(self.machine.backoffElapsed(commandsInFlight: self.ownInFlight > 0))
        }
    }

    /// Connects at once, where it waits with that.
    func connectNow() {
        guard case .backingOff = machine.state else { return }
        attemptTimer?.cancel()
        perform(machine.backoffElapsed(commandsInFlight: false))
    }

    private func disconnected() {
        let failure = handler?.failure
        let banner = handler?.banner ?? []
        if let trouble = trouble(of: failure) { count(trouble) }
        handler = nil
        tlsObserver = nil
        health = .unknown
        runID = nil
        refusesStaleReads = false
        isCheckingHealth = false
        isHealthCheckDue = false
        isInTransaction = false
        healthTimer?.cancel()
        ageTimer?.cancel()
        deadlineTimer?.cancel()
        deadlineTimer = nil
        if case .unreadable(let error) = failure {
            let words = ForeignBanner.words(for: banner) ?? "gave a reply that cannot be used: \(error)"
            note(trouble: words)
            if logger.logLevel > .error {
                configuration.complaints?.note(unreadable: words, from: endpoint, at: .now())
            }
        } else if !isTroubleOfThisAttempt {
            noteDisconnection()
        }
        perform(machine.disconnected())
        finishShutDownIfClosed()
    }

    /// Why the connection ended, where that is a trouble.
    private func trouble(of failure: RedisFailure?) -> RedisTrouble? {
        switch failure {
        case .unreadable: .unreadable
        case .connectionLost: .lost
        case .timedOut: .timeout
        case .notConnected, .readOnly, .noSingleMaster, .denied, .overloaded, .shuttingDown, .displaced: nil
        case nil:
            switch machine.state {
            case .handshaking, .ready, .misplaced, .leaving, .replacing, .draining: .lost
            case .idle, .connecting, .backingOff, .closed: nil
            }
        }
    }

    private func noteDisconnection() {
        switch machine.state {
        case .ready, .misplaced, .replacing: note(trouble: "lost the connection")
        case .handshaking where configuration.tls == nil:
            note(trouble: "closes the connection before it answers; if it speaks TLS, set REDIS_TLS_ENABLED=yes")
        case .handshaking: note(trouble: "closes the connection before it answers")
        case .idle, .connecting, .leaving, .backingOff, .draining, .closed: break
        }
    }

    private func becameIdle() { perform(machine.drained()) }

    func finishShutDownIfClosed() {
        guard machine.state == .closed, handler == nil, let completion = whenShutDown else { return }
        whenShutDown = nil
        completion()
    }

    /// Logs a trouble when it begins or changes, not with every attempt.
    func note(trouble reason: String?) {
        isTroubleOfThisAttempt = reason != nil
        guard reason != trouble else { return }
        trouble = reason
        if let reason {
            logger.warning("redis \(endpoint) \(reason)")
        } else {
            logger.info("redis \(endpoint) is connected")
        }
    }
}
